"""What a typical app costs before its first event: time and memory, on top of the bare interpreter.

Each import is one of a fresh interpreter that has what a function has: no environment, no site-packages, only what was
installed for it, compiled.
"""

from __future__ import annotations

import compileall
import json
import os
import shutil
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import lambent
from bench.framework_events import GET

if TYPE_CHECKING:
    from bench.peers import Peers

_LAMBENT: Final = """
import lambent
app = lambent.App("shop")
logger = lambent.Logger("shop")
metrics = lambent.Metrics("shop", "shop")
@app.get("/orders/{id}")
def get_order(id: str) -> dict:
    return {"id": id, "status": "open"}
@app.get("/orders")
def list_orders(limit: int = 10) -> list:
    return []
call = app
"""
_POWERTOOLS: Final = """
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.event_handler import APIGatewayRestResolver
app = APIGatewayRestResolver()
logger = Logger(service="shop")
metrics = Metrics(namespace="shop", service="shop")
@app.get("/orders/<id>")
def get_order(id: str) -> dict:
    return {"id": id, "status": "open"}
@app.get("/orders")
def list_orders(limit: int = 10) -> list:
    return []
call = app.resolve
"""
_CHALICE: Final = """
from chalice import Chalice
app = Chalice(app_name="shop")
@app.route("/orders/{id}")
def get_order(id):
    return {"id": id, "status": "open"}
@app.route("/orders")
def list_orders():
    return []
call = app
"""
_STARLETTE: Final = """
from mangum import Mangum
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
async def get_order(request):
    return JSONResponse({"id": request.path_params["id"], "status": "open"})
async def list_orders(request):
    return JSONResponse([])
call = Mangum(Starlette(routes=[Route("/orders/{id}", get_order), Route("/orders", list_orders)]), lifespan="off")
"""
_FASTAPI: Final = """
from fastapi import FastAPI
from mangum import Mangum
app = FastAPI()
@app.get("/orders/{id}")
async def get_order(id: str) -> dict:
    return {"id": id, "status": "open"}
@app.get("/orders")
async def list_orders(limit: int = 10) -> list:
    return []
call = Mangum(app, lifespan="off")
"""
_FLOOR: Final = """
import msgspec
encode = msgspec.json.Encoder().encode
def get_order(id: str) -> dict:
    return {"id": id, "status": "open"}
routes = {("GET", "/orders/{id}"): get_order}
def call(event, context):
    answer = routes[event["httpMethod"], event["resource"]](**event["pathParameters"])
    return {"statusCode": 200, "body": encode(answer).decode()}
"""
_PEERS: Final = {
    "Powertools": _POWERTOOLS,
    "Chalice": _CHALICE,
    "Starlette": _STARLETTE,
    "FastAPI": _FASTAPI,
}

# Peak memory as Linux has it for the program alone: getrusage's would include the process that started it.
_PROGRAM: Final = """
import os, sys, time
from bench_context import CONTEXT
def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) / 1024
memory, begin = peak(), time.process_time_ns()
{source}
built = time.process_time_ns()
memory = peak() - memory
event = {event!r}
first = time.process_time_ns()
answer = call(event, CONTEXT)
done = time.process_time_ns()
import json
assert answer["statusCode"] == 200 and json.loads(answer["body"]) == {{"id": "42", "status": "open"}}, answer
os.write(1, json.dumps([(built - begin) / 1e6, memory, (done - first) / 1e6]).encode())
"""


@dataclass(frozen=True)
class Start:
    """Milliseconds of CPU time until the app is built, megabytes until then, milliseconds of the first call."""

    build_ms: float
    memory_mb: float
    first_call_ms: float


def measure(folder: Path, peers: Peers | None, runs: int) -> dict[str, Start]:
    """Medians by candidate ("floor" is a dict of routes and msgspec), of fresh interpreters that take turns."""
    package, dependency = folder / "function", folder / "context"
    _install(package)
    dependency.mkdir()
    shutil.copy(Path(__file__).parent / "framework_events.py", dependency / "bench_context.py")
    compileall.compile_dir(dependency, quiet=2)
    programs = {"floor": (_FLOOR, package), "lambent": (_LAMBENT, package)}
    if peers is not None:
        programs |= {who: (source, peers.packages) for who, source in _PEERS.items()}
    found: dict[str, list[list[float]]] = {who: [] for who in programs}
    # The first of each fills the page cache and does not count.
    for _ in range(runs + 1):
        for who, (source, packages) in programs.items():
            found[who].append(_run(source, [packages, dependency]))
    return {who: Start(*map(statistics.median, zip(*rows[1:], strict=True))) for who, rows in found.items()}


def _install(package: Path) -> None:
    """What `pip install lambent` gives a function: Lambent and msgspec, compiled."""
    import msgspec

    without = shutil.ignore_patterns("__pycache__")
    for module in (lambent, msgspec):
        source = Path(str(module.__file__)).parent
        shutil.copytree(source, package / source.name, ignore=without)
    compileall.compile_dir(package, quiet=2)


def _run(source: str, packages: list[Path]) -> list[float]:
    environment = {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_LAMBDA_FUNCTION_NAME": "shop",
        "PYTHONPATH": os.pathsep.join(map(str, packages)),
    }
    program = _PROGRAM.format(source=source, event=GET)
    # The interpreter itself: that of an environment would find the packages of that.
    python = getattr(sys, "_base_executable", sys.executable)
    done = subprocess.run(
        [python, "-S", "-c", program], env=environment, capture_output=True, check=False, text=True
    )
    if done.returncode:
        raise RuntimeError(f"the typical app does not start: {done.stderr}")
    measured: list[float] = json.loads(done.stdout.splitlines()[-1])
    return measured
