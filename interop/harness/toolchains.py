"""Installs each language's pinned packages into interop/.cache and says how to start its bots."""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

HERE = pathlib.Path(__file__).resolve().parents[1]
BOTS = HERE / "bots"
CACHE = HERE / ".cache"


class Missing(Exception):
    """The toolchain or the registry is not there: this language is skipped with this reason."""


def _run(command, cwd, registry, **env):
    """Runs an installer. A registry that cannot be reached is Missing; anything else is an error of ours."""
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **env}, capture_output=True, text=True, timeout=600
    )
    if done.returncode:
        said = (done.stderr + done.stdout).strip()
        unreachable = (
            "ENOTFOUND",
            "ETIMEDOUT",
            "ECONNREFUSED",
            "EAI_AGAIN",
            "Temporary failure in name resolution",
            "no such host",
            "Unknown host",
            "Connection refused",
            "Connection timed out",
            "NewConnectionError",
            "i/o timeout",
            "connection refused",
            "Network is unreachable",
            "network is unreachable",
        )
        if any(word in said for word in unreachable):
            raise Missing(f"{registry} cannot be reached: {said.splitlines()[-1][:200]}")
        raise RuntimeError(f"{' '.join(map(str, command))}: {said[-1200:]}")
    return done.stdout


def _need(*programs):
    for program in programs:
        if not shutil.which(program):
            raise Missing(f"{program} is not installed")


def _fresh(name, *locks):
    """True if the folder was filled from exactly these lock files."""
    mark = CACHE / f"{name}.installed"
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in locks)).hexdigest()
    return mark, digest, mark.is_file() and mark.read_text() == digest


def _venv(name):
    """A virtual environment of what the lock file beside the bot of this name says; its interpreter."""
    lock = BOTS / name / "requirements.lock"
    folder = CACHE / name
    mark, digest, fresh = _fresh(name, lock)
    interpreter = folder / "bin/python"
    if not fresh or not interpreter.exists():
        shutil.rmtree(folder, ignore_errors=True)
        try:
            import ensurepip  # noqa: F401  (Debian splits it off)
        except ImportError:
            raise Missing("python3-venv is not installed") from None
        _run([sys.executable, "-m", "venv", folder], HERE, "PyPI")
        _run(
            [
                interpreter,
                "-m",
                "pip",
                "install",
                "--quiet",
                "--no-input",
                "--require-hashes",
                "--disable-pip-version-check",
                "-r",
                lock,
            ],
            HERE,
            "PyPI",
        )
        mark.write_text(digest)
    return interpreter


def python():
    interpreter = _venv("python")
    return {
        "wechatpy": [str(interpreter), str(BOTS / "python/bot.py")],
        "werobot": [str(interpreter), str(BOTS / "python/werobot_bot.py")],
        "wechatpy-work": [str(interpreter), str(BOTS / "python/work_bot.py")],
        "wechatpy-pay": [str(interpreter), str(BOTS / "python/pay.py")],
        "python": [str(interpreter)],
    }


def python2():
    """The pre-release that most new projects take; it shares no environment with version 1."""
    interpreter = str(_venv("python2"))
    return {
        "wechatpy2": [interpreter, str(BOTS / "python/bot.py")],
        "wechatpy2-work": [interpreter, str(BOTS / "python/work_bot.py")],
    }


def node():
    _need("node", "npm")
    folder = CACHE / "node"
    lock = BOTS / "node/package-lock.json"
    mark, digest, fresh = _fresh("node", lock, BOTS / "node/package.json")
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", "bot.js"):
        shutil.copyfile(BOTS / "node" / name, folder / name)
    if not fresh or not (folder / "node_modules").is_dir():
        _run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--cache", str(CACHE / "npm")],
            folder,
            "the npm registry",
        )
        mark.write_text(digest)
    return {"co-wechat": ["node", str(folder / "bot.js")]}


def browser():
    """The released script that pages load."""
    _need("node", "npm")
    folder = CACHE / "browser"
    lock = BOTS / "browser/package-lock.json"
    mark, digest, fresh = _fresh("browser", lock, BOTS / "browser/package.json")
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(BOTS / "browser" / name, folder / name)
    if not fresh or not (folder / "node_modules").is_dir():
        _run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--cache", str(CACHE / "npm")],
            folder,
            "the npm registry",
        )
        mark.write_text(digest)
    return folder / "node_modules/weixin-js-sdk/index.js"


def _maven(name):
    """What the project beside the bot of this name says, compiled; the command that runs a class of it."""
    folder = CACHE / name
    project = BOTS / name
    sources = sorted((project / "src").rglob("*.java"))
    mark, digest, fresh = _fresh(name, project / "pom.xml", *sources)
    paths = folder / "classpath"
    # The paths are absolute: a cache that was copied from elsewhere leads there.
    whole = paths.is_file() and all(pathlib.Path(jar).is_file() for jar in paths.read_text().split(":"))
    if not fresh or not whole:
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(project / "src", folder / "src")
        shutil.copyfile(project / "pom.xml", folder / "pom.xml")
        _run(
            [
                "mvn",
                "-B",
                "-q",
                f"-Dmaven.repo.local={CACHE / 'maven'}",
                "compiler:compile",
                "dependency:build-classpath",
                f"-Dmdep.outputFile={paths}",
            ],
            folder,
            "Maven Central",
        )
        _same_jars(paths.read_text(), project / "jars.lock")
        mark.write_text(digest)
    options = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"]
    return ["java", *options, "-cp", f"{folder / 'target/classes'}:{paths.read_text()}"]


def java():
    _need("java", "mvn")
    # One after the other: they share a repository. The module for WeCom has no release of the other's version.
    return {"wxjava": [*_maven("java"), "bot.Bot"], "wxjava-work": [*_maven("java-work"), "bot.WorkBot"]}


def _same_jars(classpath, lock):
    """Maven has no lock file: `jars.lock` holds name and SHA-256 of every jar of the class path."""
    got = "".join(
        f"{hashlib.sha256(pathlib.Path(jar).read_bytes()).hexdigest()}  {pathlib.Path(jar).name}\n"
        for jar in sorted(classpath.strip().split(":"), key=lambda jar: pathlib.Path(jar).name)
    )
    if not lock.is_file() or lock.read_text() != got:
        (CACHE / "jars.lock").write_text(got)
        raise RuntimeError(f"the jars differ from {lock}; what was resolved is in {CACHE / 'jars.lock'}")


def _go(name):
    """The program that a Go module beside the bots makes."""
    _need("go")
    out = CACHE / f"bot-{name}"
    env = {
        "GOMODCACHE": str(CACHE / "go/mod"),
        "GOCACHE": str(CACHE / "go/build"),
        "GOFLAGS": "-buildvcs=false -modcacherw -mod=readonly",
        "GOTOOLCHAIN": "local",
        "CGO_ENABLED": "0",
    }
    sources = sorted((BOTS / name).glob("*.go"))
    mark, digest, fresh = _fresh(name, BOTS / name / "go.sum", *sources)
    if not fresh or not out.is_file():
        _run(["go", "build", "-o", str(out), "."], BOTS / name, "the Go module proxy", **env)
        mark.write_text(digest)
    return [str(out)]


def go():
    return {"silenceper": _go("go")}


def go_pay():
    return {"wechatpay-go": _go("go_pay")}


LANGUAGES = {
    "wechatpy": python,
    "wechatpy2": python2,
    "werobot": python,
    "co-wechat": node,
    "wxjava": java,
    "silenceper": go,
    "wechatpay-go": go_pay,
    "wechatpy-pay": python,
}


def install_all():
    """Installs everything at once. Returns (commands by bot, reasons by bot)."""
    CACHE.mkdir(exist_ok=True)
    commands, reasons = {}, {}
    with ThreadPoolExecutor(4) as pool:
        jobs = {f: pool.submit(f) for f in (python, python2, node, java, go, go_pay)}
    for function, job in jobs.items():
        names = [name for name, f in LANGUAGES.items() if f is function]
        try:
            commands.update(job.result())
        except (Missing, RuntimeError, subprocess.SubprocessError) as reason:
            reasons.update({name: reason for name in names})
    return commands, reasons
