"""Orders for the workers of `stepproof-load worker`; run by Locust's master alone.

    locust -f loadtest/locust/locustfile.py --master --expect-workers 3 --users 3 \\
        --host http://127.0.0.1:8080 --storm isp-outage --storm-seed 7 --storm-workers 3
    stepproof-load worker --locust-master MASTER:5557        (three times)

The master starts and stops the storm and shows it live. The storm is run by the workers: each takes the shard `nth % workers == index`
of its arrivals, and all begin at the same instant. `--users` is only the number on Locust's page; who comes, and when, is said by the
scenario, `--storm-rate` and `--storm-seed`. The record is each worker's own interval log: `stepproof-load merge` makes the report.

When no shard is under way any more the master ends by itself (headless) or stops (with its page). It exits with 0 when all are done,
and with 4, no verdict, when one is missing: a worker was lost, could not run, or was stopped.

The protocol has neither authentication nor encryption: keep it on a private network.
"""

import logging
import time
import uuid

import gevent
from locust import User, events, task
from locust.runners import STATE_MISSING, MasterRunner

NO_VERDICT = 4
log = logging.getLogger("storm")


class Storm(User):
    """Locust wants a class of users before it starts; the workers bring their own."""

    @task
    def nothing(self):
        """Never run: this file is for the master."""


class Shards:
    """What became of the shards of the run that is on."""

    def __init__(self, run, workers):
        self.run, self.workers, self.done = run, workers, {}

    def told(self, msg):
        """A worker says that its shard is done, or why it is not."""
        if msg.data["run"] == self.run:
            self.done[msg.node_id] = msg.data["error"]
            if msg.data["error"]:
                log.error("%s: %s", msg.node_id, msg.data["error"])

    def verdict(self):
        """The exit code: whether the records can be merged."""
        whole = sum(error is None for error in self.done.values())
        log.info("%d of %d shards are done%s", whole, self.workers, "" if whole == self.workers else ": no verdict")
        return 0 if whole == self.workers else NO_VERDICT

    def watch(self, environment):
        """Ends the run when no shard is under way any more."""
        runner = environment.runner
        while not runner.spawning_completed or any(c.state != STATE_MISSING and c.id not in self.done for c in runner.clients.all):
            gevent.sleep(0.5)
            if shards is not self:
                return
        if environment.parsed_options.headless:
            runner.quit()
        else:
            runner.stop()


shards = Shards(None, 0)


@events.init_command_line_parser.add_listener
def options(parser):
    """What a storm is ordered with."""
    parser.add_argument("--storm", default="morning-peak", help="a storm of the library, or a scenario file as the workers see it")
    parser.add_argument("--storm-rate", type=float, default=None, help="arrivals a second of all workers together; without it, the scenario's")
    parser.add_argument("--storm-seed", type=int, default=1, help="the same seed gives the same storm")
    parser.add_argument("--storm-seconds", type=float, default=None, help="how long people come for; without it, the scenario's")
    parser.add_argument("--storm-workers", type=int, default=0, help="shards; without it, the workers there are when the storm begins")
    parser.add_argument("--storm-start-delay", type=float, default=3.0, help="seconds from the order to the storm's beginning")


@events.init.add_listener
def begin_listening(environment, **_):
    """The workers' own message beside Locust's."""
    if isinstance(environment.runner, MasterRunner):
        environment.runner.register_message("storm_done", lambda msg, **_: shards.told(msg))


@events.test_start.add_listener
def order(environment, **_):
    """One run, one beginning: they travel with the options, the same to every worker, however often the order is repeated."""
    global shards
    if not isinstance(environment.runner, MasterRunner):
        return
    options = environment.parsed_options
    # What was counted for the first run must not stand for the number of shards of the next.
    workers = options.storm_workers or environment.runner.worker_count
    options.storm_slices = workers
    options.storm_run = uuid.uuid4().hex
    options.storm_start_at = time.time() + options.storm_start_delay
    shards = Shards(options.storm_run, workers)
    gevent.spawn(shards.watch, environment)


@events.quitting.add_listener
def verdict(environment, **_):
    """Requests that failed are the merged record's to judge; the master only says whether there is one."""
    if shards.run is not None:
        environment.process_exit_code = shards.verdict()
