"""The sandbox's AWS endpoint: moto's server, made to keep its state.

moto holds everything in memory, and backups that vanish when a machine restarts would make a poor trial. So
each request that changes something is appended to a journal once it has succeeded, and the journal is
replayed at the next start, before the port opens. Identifiers and times come out as they were: the random
generator is seeded for each change, and the clock is set to the recorded time during the replay.

usage: aws_server.py <port> <journal>
"""

import base64
import datetime
import io
import json
import os
import random
import sys
import threading

import moto.core.utils
import moto.s3.models
from moto.moto_api._internal import mock_random
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import run_simple
from werkzeug.wsgi import get_input_stream

READS = {"GET", "HEAD", "OPTIONS"}


class Clock:
    """The current time, or that of the change being replayed."""

    def __init__(self):
        self.fixed = None

    def __call__(self):
        if self.fixed is not None:
            return self.fixed
        return datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)


class SeededOs:
    """`os` for moto's S3, whose upload ids would otherwise be different after a replay."""

    def __getattr__(self, name):
        return getattr(os, name)

    def urandom(self, count):
        return mock_random.getrandbits(count * 8).to_bytes(count, "big")


class BehindTls:
    """A bucket's policy as AWS would judge a request: moto does not look at conditions.

    The endpoint is plain HTTP on loopback. It stands for AWS's, which speaks TLS 1.3, or a policy that denies
    everything else would shut everyone out. Conditions on other things are left to moto.
    """

    facts = {"aws:SecureTransport": "true", "s3:TlsVersion": "1.3"}
    tests = {
        "Bool": lambda found, wanted: found == wanted,
        "NumericLessThan": lambda found, wanted: float(found) < float(wanted),
    }

    def __init__(self, judge):
        self.judge = judge

    def fails(self, statement):
        """Whether a condition on the transport keeps the statement from applying."""
        for operator, conditions in statement.get("Condition", {}).items():
            for key, wanted in conditions.items():
                if operator in self.tests and key in self.facts:
                    if not self.tests[operator](self.facts[key], wanted):
                        return True
        return False

    def __call__(self, bucket, action, resource):
        if bucket.policy is None:
            return self.judge(bucket, action, resource)
        written = bucket.policy
        policy = json.loads(written)
        policy["Statement"] = [each for each in policy["Statement"] if not self.fails(each)]
        bucket.policy = json.dumps(policy).encode("utf-8")
        try:
            return self.judge(bucket, action, resource)
        finally:
            bucket.policy = written


class Journal:
    """A WSGI application that records successful changes and can repeat them."""

    def __init__(self, application, path, clock):
        self.application = application
        self.path = path
        self.clock = clock
        # One request at a time: a second would draw from the generator seeded for the first.
        self.lock = threading.Lock()
        self.file = None

    def replay(self):
        try:
            with open(self.path, encoding="utf-8") as journal:
                for line in journal:
                    if not line.endswith("\n"):
                        break  # cut off by a crash: that client never got an answer
                    self.repeat(json.loads(line))
        except FileNotFoundError:
            pass
        self.clock.fixed = None
        self.file = open(self.path, "a", encoding="utf-8")

    def repeat(self, change):
        self.clock.fixed = datetime.datetime.fromisoformat(change["at"])
        mock_random.seed(change["seed"])
        body = base64.b64decode(change["body"])
        environ = {
            **change["environ"],
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        result = self.application(environ, lambda *_: lambda _data: None)
        for _ in result:
            pass

    def __call__(self, environ, start_response):
        body = b""
        reads = environ["REQUEST_METHOD"] in READS
        if not reads:
            body = get_input_stream(environ).read()
            environ["wsgi.input"] = io.BytesIO(body)
            environ["CONTENT_LENGTH"] = str(len(body))
            environ.pop("wsgi.input_terminated", None)
            environ.pop("HTTP_TRANSFER_ENCODING", None)
        # moto adds objects of its own to the environment; only what the request brought can be repeated.
        kept = {key: value for key, value in environ.items() if isinstance(value, str)}
        seed = random.SystemRandom().getrandbits(64)
        status = []

        def started(line, headers, exc_info=None):
            status.append(int(line.split(" ", 1)[0]))
            return start_response(line, headers, exc_info)

        with self.lock:
            at = self.clock()
            mock_random.seed(seed)
            answer = list(self.application(environ, started))
            if not reads and status and status[0] < 400:
                change = {
                    "at": at.isoformat(),
                    "seed": seed,
                    "environ": kept,
                    "body": base64.b64encode(body).decode("ascii"),
                }
                self.file.write(json.dumps(change) + "\n")
                self.file.flush()
        return answer


def main():
    port, path = int(sys.argv[1]), sys.argv[2]
    clock = Clock()
    moto.core.utils.utcnow = clock
    moto.s3.models.utcnow = clock
    moto.s3.models.os = SeededOs()
    behind_tls = BehindTls(moto.s3.models.FakeBucket.get_permission)
    moto.s3.models.FakeBucket.get_permission = lambda *given: behind_tls(*given)
    journal = Journal(DomainDispatcherApplication(create_backend_app), path, clock)
    journal.replay()
    run_simple("127.0.0.1", port, journal, threaded=True, request_handler=MotoRequestHandler)


if __name__ == "__main__":
    main()
