"""A real S3 with real signatures: OpenStack Swift with its S3 API, as four small servers.

Programs that only look like an S3 take any signature; Swift checks them. Everything lies in one
folder and listens on loopback; nothing outside of it is read or written.
"""

import getpass
import os
import socket
import subprocess
import urllib.request
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import obstore
from obstore.store import S3Store

from tests.parts.processes import Process, program

ACCOUNT, SECRET, REGION = "test:tester", "testing", "us-east-1"
BUCKET = "recordings"
SYSTEM_PYTHON = "/usr/bin/python3"
KINDS = ("account", "container", "object")
PIPELINE = "catch_errors cache s3api tempauth copy slo dlo versioned_writes proxy-server"

SWIFT = """\
[swift-hash]
swift_hash_path_prefix = a
swift_hash_path_suffix = b
[storage-policy:0]
name = p0
default = yes
"""
SERVER = """\
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
user = {user}
swift_dir = {folder}
devices = {folder}/disks
mount_check = false
workers = 0
disable_fallocate = true
log_udp_host =
[pipeline:main]
pipeline = {pipeline}
[app:{kind}-server]
use = egg:swift#{kind}
account_autocreate = true
error_suppression_interval = 1
allow_account_management = true
"""
FILTERS = f"""\
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:{{memcached}}
[filter:s3api]
use = egg:swift#s3api
location = {REGION}
s3_acl = false
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = {SECRET} .admin
[filter:versioned_writes]
use = egg:swift#versioned_writes
allow_versioned_writes = true
""" + "".join(
    f"[filter:{name}]\nuse = egg:swift#{name}\n" for name in ("catch_errors", "copy", "slo", "dlo")
)
RINGS = """
import sys
from swift.common.ring.builder import RingBuilder
folder, *places = sys.argv[1:]
for place in places:
    kind, port = place.split(":")
    ring = RingBuilder(4, 1, 1)
    ring.add_dev({"id": 0, "region": 1, "zone": 1, "weight": 1.0, "ip": "127.0.0.1",
                  "port": int(port), "device": "sda1", "meta": "",
                  "replication_ip": "127.0.0.1", "replication_port": int(port)})
    ring.rebalance()
    ring.get_ring().save("%s/%s.ring.gz" % (folder, kind))
"""


# Swift looks for swift.conf in the system's own folder unless it is told otherwise.
START = """
import runpy, sys
from swift.common.utils import set_swift_dir
set_swift_dir(sys.argv[1])
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


class ObjectStore:
    """Swift's servers in a folder, with an empty bucket; ended when the context is left."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ports = free_ports(len(KINDS) + 2)
        self._running = ExitStack()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._ports[len(KINDS)]}"

    @property
    def env(self) -> dict[str, str]:
        """What a server needs in its environment to use the bucket."""
        return {
            "AWS_ACCESS_KEY_ID": ACCOUNT,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ALLOW_HTTP": "true",
        }

    def __enter__(self) -> Self:
        (self._folder / "disks" / "sda1").mkdir(parents=True)
        (self._folder / "swift.conf").write_text(SWIFT)
        places = [f"{kind}:{port}" for kind, port in zip(KINDS, self._ports, strict=False)]
        subprocess.run(
            [SYSTEM_PYTHON, "-W", "ignore", "-c", RINGS, str(self._folder), *places], check=True
        )
        try:
            # The proxy last: a server that it does not reach is not asked again for a while.
            self._start_memcached(self._ports[-1])
            started = [
                (self._start(kind, port), port)
                for kind, port in zip(KINDS, self._ports, strict=False)
            ]
            for server, port in started:
                server.wait_ready(lambda port=port: listens(port), what="port", timeout_s=60)
            proxy = self._start("proxy", self._ports[len(KINDS)])
            proxy.wait_ready(self._bucket_is_made, what="bucket", timeout_s=60)
        except BaseException:
            self._running.close()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        self._running.close()

    def _start_memcached(self, port: int) -> None:
        words = ["-l", "127.0.0.1", "-p", str(port), "-u", getpass.getuser()]
        cache = Process(
            "memcached",
            [program("memcached"), *words],
            env=os.environ,
            log=self._folder / "memcached.log",
        )
        self._running.callback(cache.kill)

    def _start(self, kind: str, port: int) -> Process:
        pipeline = PIPELINE if kind == "proxy" else f"{kind}-server"
        text = SERVER.format(
            kind=kind, port=port, folder=self._folder, user=getpass.getuser(), pipeline=pipeline
        )
        config = self._folder / f"{kind}.conf"
        filters = FILTERS.format(memcached=self._ports[-1]) if kind == "proxy" else ""
        config.write_text(text + filters)
        server = program(f"swift-{kind}-server")
        process = Process(
            f"swift-{kind}",
            [SYSTEM_PYTHON, "-W", "ignore", "-c", START, str(self._folder), server, str(config)],
            env={**os.environ, "HOME": str(self._folder)},
            log=self._folder / f"{kind}.log",
        )
        self._running.callback(process.kill)
        return process

    def _bucket_is_made(self) -> bool:
        place = obstore.sign(self.client(), "PUT", "", timedelta(seconds=60))
        try:
            request = urllib.request.Request(place, method="PUT")  # noqa: S310 - our own address
            with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except OSError:  # not yet; URLError is one, too
            return False

    def client(self, **changed: Any) -> S3Store:
        """The bucket, for looking into it past the server."""
        settings = {"access_key_id": ACCOUNT, "secret_access_key": SECRET, **changed}
        return S3Store(
            BUCKET,
            endpoint=self.endpoint,
            region=REGION,
            client_options={"allow_http": True},
            retry_config={"max_retries": 0},
            **settings,
        )

    def all_keys(self) -> list[str]:
        """All objects in the bucket."""
        return sorted(one["path"] for page in obstore.list(self.client()) for one in page)

    def read(self, key: str) -> bytes:
        """An object's bytes."""
        return bytes(obstore.get(self.client(), key).bytes())


def listens(port: int) -> bool:
    """Whether somebody on loopback takes connections on the port."""
    with socket.socket() as caller:
        caller.settimeout(1)
        return caller.connect_ex(("127.0.0.1", port)) == 0


def free_ports(count: int) -> Sequence[int]:
    """Ports of loopback that nobody listens on just now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
