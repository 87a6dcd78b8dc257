"""A page in headless Chromium: its DOM, what the console said, and which hosts were asked."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# what the browser asks for its own sake, whatever the page
OWN = re.compile(r"(^|\.)(google|googleapis|gstatic|chromium)\.(com|org)$")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps"),
    *("--enable-logging=stderr", "--host-resolver-rules=MAP * ~NOTFOUND"),
)


@dataclass(frozen=True)
class Opened:
    """What came of a page."""

    dom: str
    console: list[str]
    hosts: set[str]


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    profile = folder / "profile"
    command = [str(CHROMIUM), *FLAGS, f"--user-data-dir={profile}", *arguments]
    found = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    shutil.rmtree(profile, ignore_errors=True)
    return found


def opened(page: Path, folder: Path) -> Opened:
    """A file as the browser sees it."""
    log = folder / "net.json"
    found = run(folder, f"--log-net-log={log}", "--dump-dom", page.as_uri())
    console = [line for line in found.stderr.splitlines() if "CONSOLE" in line]
    return Opened(found.stdout, console, {host for host in hosts(log.read_text()) if not OWN.search(host)})


def hosts(log: str) -> set[str]:
    """Whom a log of network events names; a browser that was stopped may leave its list open."""
    try:
        events = json.loads(log)["events"]
    except json.JSONDecodeError:
        events = json.loads(log.rstrip().rstrip(",") + "]}")["events"]
    urls = [event["params"]["url"] for event in events if "url" in event.get("params", {})]
    return {urlsplit(url).hostname or "" for url in urls if not url.startswith(("file:", "data:", "about:", "chrome"))}


def picture(page: Path, folder: Path, width: int = 1280, height: int = 1600) -> Path:
    """A screenshot."""
    target = folder / "page.png"
    run(folder, f"--window-size={width},{height}", f"--screenshot={target}", page.as_uri())
    return target
