"""Metrics: where they go, how often they are taken, and the machine that stores and shows them."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr

from hfecs.config.types import InstanceType, Section, key, web_address


def _database(url: SecretStr) -> SecretStr:
    text = url.get_secret_value()
    web_address(text, "http", "https")
    if not urlsplit(text).path.strip("/"):
        raise ValueError("should name a database: http://HOST:8086/DATABASE")
    return url


InfluxUrl = Annotated[SecretStr, AfterValidator(_database)]


class Monitoring(Section):
    """InfluxDB and Grafana on a machine of their own, and the metrics that the cluster writes."""

    instance_type: InstanceType | None = key(
        None, "EC2 type of the machine with InfluxDB and Grafana; default: chosen like the default of the cluster"
    )
    influx_url: InfluxUrl | None = key(
        None,
        "http://USER:PASSWORD@HOST:8086/DATABASE of an InfluxDB 1.x of your own; "
        "default: that of hfecs monitoring up, if it exists",
        original="influx_url",
    )
    period: Annotated[int, Field(ge=1, le=3600)] = key(
        10, "interval between measurements of machines, queue and alarms", unit="seconds"
    )
