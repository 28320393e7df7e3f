"""Executor, engine and notifier with the real broker, the real Redis and the real HyperFlow engine."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pika
import pytest
from pika.exceptions import ChannelClosedByBroker

from end_to_end.broker import PrivateBroker, private_broker
from end_to_end.sites import SECONDS, Site, chain, events_of, eventually
from hfecs.agents.notifier.queue import Management, QueueNumbers
from hfecs.messaging import messages

pytestmark = pytest.mark.end_to_end

WAITING = "touch $SITE/begun; while [ ! -e $SITE/go ]; do sleep 0.05; done"
"""A job that has begun, and waits for the test."""


def test_a_chain_of_jobs_turns_the_input_into_the_output(site: Site) -> None:
    site.upload(
        chain("tr a-z A-Z < file_0 > file_1", "rev file_1 > file_2", "cat file_2 file_2 > file_3"), file_0="abc"
    )

    with site.executor():
        exit_code = site.run("chain")

    assert exit_code == 0, site.log("engine")
    assert site.read("input/file_3") == "CBACBA"
    result = site.result("chain")
    assert (result["status"], result["jobs"], result["done"], result["failed"]) == ("succeeded", 3, 3, [])
    assert "The workflow has finished." in site.read("runs/chain/engine.log")


def test_who_comes_late_sees_the_whole_run_in_the_history(site: Site) -> None:
    site.upload(chain("cp file_0 file_1"), file_0="abc")

    with site.executor():
        site.run("history")

    events = events_of(site, "history")
    kinds = [event["type"].removeprefix("job.history-1.") for event in events]
    stages = [f"{stage}.{end}" for stage in ("stage_in", "execution", "stage_out") for end in ("started", "finished")]
    assert kinds == ["workflow.history.started", "started", *stages, "finished", "workflow.history.finished"]
    assert events[-1]["result"] == site.result("history")


def test_a_failed_job_is_named_and_the_jobs_behind_it_never_run(site: Site) -> None:
    site.upload(chain("cp file_0 file_1", "echo no luck >&2; exit 7", "cp file_2 file_3"), file_0="abc")

    with site.executor():
        exit_code = site.run("broken")

    result = site.result("broken")
    (failed,) = result["failed"]
    assert (exit_code, result["status"], result["done"]) == (1, "failed", 1)
    assert (failed["name"], failed["exit_status"], failed["stderr"]) == ("job_2", 7, "no luck\n")
    assert "input/file_3" not in site.objects()


def test_jobs_of_an_engine_that_is_gone_are_dropped(site: Site) -> None:
    site.upload(chain("cp file_0 file_1", "cp file_1 file_2"), file_0="abc")
    queue = "jobs-of-the-gone"
    with site.engine("gone", AMQP_QUEUE=queue) as engine:
        eventually(lambda: _ready(site, queue) == 1)
        engine.send_signal(signal.SIGTERM)
        engine.wait(SECONDS)

    with site.executor(AMQP_QUEUE=queue):
        eventually(lambda: "its engine is gone" in site.log("worker"))
        eventually(lambda: _ready(site, queue) == 0)

    assert site.result("gone")["status"] == "stopped"
    assert "input/file_1" not in site.objects()


def test_a_message_that_is_no_job_gets_a_reply_and_the_executor_lives_on(site: Site) -> None:
    with site.executor(), pika.BlockingConnection(pika.URLParameters(site.broker_url)) as connection:
        channel = connection.channel()
        channel.queue_declare(messages.JOBS_QUEUE, durable=True)
        replies = channel.queue_declare("", exclusive=True).method.queue or ""
        sent = {"rubbish": b"{", "climber": _climber(site.bucket), "job": _job(site.directory)}
        for correlation_id, body in sent.items():
            properties = pika.BasicProperties(reply_to=replies, correlation_id=correlation_id)
            channel.basic_publish("", messages.JOBS_QUEUE, body, properties)
        channel.basic_publish("", messages.JOBS_QUEUE, b"nobody waits for a reply")
        answered = {}
        for _, about, reply in channel.consume(replies, auto_ack=True, inactivity_timeout=SECONDS):
            assert about is not None and reply is not None
            answered[about.correlation_id] = json.loads(reply)
            if len(answered) == 3:
                break

    assert "not JSON" in answered["rubbish"]["exceptions"][0]
    assert "'../passwd'" in answered["climber"]["exceptions"][0]
    assert (answered["job"]["exit_status"], answered["job"]["stdout"]) == (0, "alive\n")


def test_an_executor_that_is_told_to_stop_finishes_what_it_has_in_hand(site: Site) -> None:
    site.upload(chain(f"{WAITING}; cp file_0 file_1"), file_0="abc")

    with site.executor(SITE=str(site.directory)) as executor, site.engine("finish") as engine:
        eventually((site.directory / "begun").exists)
        executor.send_signal(signal.SIGTERM)
        eventually(lambda: "stopping, 1 jobs running" in site.log("worker"))
        (site.directory / "go").touch()
        exit_codes = executor.wait(SECONDS), engine.wait(SECONDS)

    assert exit_codes == (0, 0)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_the_job_of_an_executor_that_goes_away_is_done_by_another(site: Site, how: signal.Signals) -> None:
    site.upload(chain("echo $WHO >> $SITE/ran; [ $WHO = second ] || sleep 30; cp file_0 file_1"), file_0="abc")
    environ = {"SITE": str(site.directory), "STOP_TIMEOUT": "0"}

    with site.executor(WHO="first", **environ) as first, site.engine("again") as engine:
        eventually((site.directory / "ran").exists)
        first.send_signal(how)
        first.wait(SECONDS)
        with site.executor(WHO="second", **environ):
            exit_code = engine.wait(SECONDS)

    assert exit_code == 0
    assert (site.directory / "ran").read_text() == "first\nsecond\n"
    assert site.result("again")["done"] == 1


def test_a_job_that_kills_its_executors_is_given_up_with_its_story(site: Site) -> None:
    site.upload(chain("echo . >> $SITE/ran; sleep 0.5; kill -9 $PPID; sleep 5"), file_0="abc")
    died = []

    with site.engine("poison") as engine:
        while engine.poll() is None:
            with site.executor(SITE=str(site.directory)) as executor:
                eventually(lambda: executor.poll() is not None or engine.poll() is not None)
                died.append(executor.poll())

    (failed,) = site.result("poison")["failed"]
    assert died == [-signal.SIGKILL] * 3 + [None]
    assert (site.directory / "ran").read_text() == ".\n.\n.\n"
    assert failed["attempts"] == 3
    assert "it was delivered 3 times" in failed["exceptions"][0]
    assert "missing from" not in failed["exceptions"][0]


def test_a_program_that_fails_is_tried_again_before_the_job_has_failed(site: Site) -> None:
    dag = chain("echo . >> $SITE/ran; [ $(wc -l < $SITE/ran) = 2 ] && cp file_0 file_1", "exit 7")
    dag["processes"][1]["config"]["executor"]["options"] = {"retries": 1}
    site.upload(dag, file_0="abc")

    with site.executor(SITE=str(site.directory)):
        site.run("flaky")

    result = site.result("flaky")
    assert (result["done"], [failed["attempts"] for failed in result["failed"]]) == (1, [2])


def test_engine_and_executor_wait_for_the_broker_and_come_back_to_it(site: Site) -> None:
    dag = chain(f"{WAITING}; cp file_0 file_1", "cp file_1 file_2")
    site.upload(dag, file_0="abc")
    with private_broker() as broker:
        site.broker_url = broker.url
        with site.executor(SITE=str(site.directory)), site.engine("restart") as engine:
            eventually((site.directory / "begun").exists)
            broker.kill()
            eventually(lambda: "is lost" in site.log("worker"))
            (site.directory / "go").touch()
            broker.start()
            exit_code = engine.wait(2 * SECONDS)

    assert exit_code == 0, site.log("engine")
    assert site.read("input/file_2") == "abc"


def test_functions_of_the_engine_and_of_the_user_work_beside_jobs(site: Site) -> None:
    dag = chain("cp file_0 file_1", "true", "cat file_1 > file_3")
    dag["processes"][1] = {"name": "mine", "function": "mine", "ins": [1], "outs": [2]}
    dag["processes"][2] |= {"ins": [1, 2]}
    dag["processes"].append({"name": "print", "function": "noop", "ins": [3], "outs": []})
    dag["signals"][2] = {"name": "control", "control": "next"}
    site.upload(dag, file_0="abc")
    functions = "exports.mine = (ins, outs, context, cb) => { console.log('mine was called'); cb(null, outs); };"
    site.s3.put_object(Bucket=site.bucket, Key="workdir/functions.js", Body=functions)

    with site.executor():
        exit_code = site.run("functions")

    assert exit_code == 0, site.log("engine")
    assert "mine was called" in site.read("runs/functions/engine.log")


def test_a_control_signal_that_comes_after_the_end_of_a_process_is_no_end_of_the_run(site: Site) -> None:
    dag = chain(f"{WAITING}; cp file_0 file_1", "touch $SITE/early", "cp file_1 file_3")
    dag["signals"] = [{"name": name} for name in ("file_0", "file_1", "next", "file_3")]
    dag["signals"][2]["control"] = "next"
    dag["processes"][0]["outs"] = [1, 2]
    dag["processes"][1] |= {"ins": [2], "outs": []}
    dag["processes"][2] |= {"ins": [1], "outs": [3]}
    dag["outs"] = [3]
    site.upload(dag, file_0="abc")

    with site.executor(SITE=str(site.directory)), site.engine("late") as engine:
        eventually((site.directory / "early").exists)
        eventually(lambda: '["fired",1,2,' in _journal(site))
        (site.directory / "go").touch()
        exit_code = engine.wait(SECONDS)

    assert exit_code == 0, site.log("engine")
    assert site.result("late")["done"] == 3


def test_a_workflow_that_cannot_be_run_ends_with_2_and_its_faults(site: Site) -> None:
    site.upload({**chain("true"), "ins": [99]})

    exit_code = site.run("invalid")

    assert exit_code == 2
    assert "signal 99 is out of range" in site.result("invalid")["error"]


def test_an_engine_that_crashes_tells_the_end_of_its_log(site: Site) -> None:
    dag = chain("true")
    dag["processes"][0]["function"] = "mine"
    site.upload(dag, file_0="abc")
    functions = "exports.mine = undefinedHere;"
    site.s3.put_object(Bucket=site.bucket, Key="workdir/functions.js", Body=functions.encode())

    exit_code = site.run("crash")

    assert exit_code == 1
    assert "undefinedHere is not defined" in site.result("crash")["error"]


def test_a_queue_of_another_kind_is_used_as_it_is(site: Site) -> None:
    site.upload(chain("cp file_0 file_1"), file_0="abc")
    with pika.BlockingConnection(pika.URLParameters(site.broker_url)) as connection:
        connection.channel().queue_declare("of-another-kind", durable=True, arguments={"x-queue-type": "quorum"})

    with site.executor(AMQP_QUEUE="of-another-kind"), site.engine("kind", AMQP_QUEUE="of-another-kind") as engine:
        exit_code = engine.wait(SECONDS)

    assert exit_code == 0, site.log("engine")


def test_neither_files_nor_queues_are_left_of_a_run(site: Site) -> None:
    site.upload(chain("cp file_0 file_1"), file_0="abc")

    with site.executor() as executor:
        site.run("clean")
        executor.terminate()
        executor.wait(SECONDS)

    assert not list(site.temporary.iterdir())
    with pika.BlockingConnection(pika.URLParameters(site.broker_url)) as connection:
        with pytest.raises(ChannelClosedByBroker, match="NOT_FOUND"):
            connection.channel().queue_declare("hyperflow.replies.clean", passive=True)


def test_a_killed_engine_agent_takes_redis_and_node_along(site: Site) -> None:
    site.upload(chain("sleep 600"), file_0="abc")

    with site.engine("killed", AMQP_QUEUE="nobody-listens") as engine:
        eventually(lambda: len(_children(engine.pid)) == 2)
        children = _children(engine.pid)
        engine.kill()

    eventually(lambda: not any(Path(f"/proc/{child}").exists() for child in children))


def test_the_management_tells_the_numbers_of_the_queue(site: Site, rabbitmq: PrivateBroker) -> None:
    management = Management(rabbitmq.management_url, "hyperflow", "not-a-secret")
    before = management.read("counted")
    with pika.BlockingConnection(pika.URLParameters(site.broker_url)) as connection:
        channel = connection.channel()
        channel.queue_declare("counted", durable=True)
        for _ in range(3):
            channel.basic_publish("", "counted", b"job")
        channel.basic_get("counted")

        eventually(lambda: management.read("counted") == QueueNumbers(ready=2, in_flight=1))

    assert before == QueueNumbers()


def _journal(site: Site) -> str:
    return "".join(path.read_text() for path in site.temporary.glob("*/journal.log"))


def _children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def _ready(site: Site, queue: str) -> int:
    with pika.BlockingConnection(pika.URLParameters(site.broker_url)) as connection:
        try:
            return connection.channel().queue_declare(queue, passive=True).method.message_count or 0
        except ChannelClosedByBroker:
            return -1


def _climber(bucket: str) -> bytes:
    job = {"executable": "cat", "inputs": [{"name": "../passwd"}], "options": {"storage": "s3", "bucket": bucket}}
    return json.dumps(job).encode()


def _job(directory: Path) -> bytes:
    job = {"executable": "echo", "args": ["alive"], "options": {"storage": "local", "workdir": str(directory)}}
    return json.dumps(job).encode()
