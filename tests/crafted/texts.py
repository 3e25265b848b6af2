"""VIEW-06, VIEW-08 and VIEW-09: texts that JSON readers take differently."""

from tests import builder
from tests.builder import Entry
from tests.crafted.bending import (
    CONFIG,
    EVIL_CONFIG,
    Make,
    configured,
    lied,
    made,
    replaced,
    true,
)
from tests.crafted.case import Crafted


def _second_config(key: str) -> Make:
    """manifest.json names a second config, under another spelling of the key or the same."""

    def lie(entries: list[Entry]) -> None:
        evil = f"{builder.sha256(EVIL_CONFIG)}.json"
        entries.append(Entry(evil, EVIL_CONFIG))
        document = builder.find(entries, "manifest.json")
        document.data = document.data.replace(b'","RepoTags"', f'","{key}":"{evil}","RepoTags"'.encode(), 1)

    return lied("containers_image_docker", lie)


def _config_text(old: str, new: str) -> Make:
    """The config's text is another before anything is hashed."""
    assert old.encode() in CONFIG
    return made(config=CONFIG.replace(old.encode(), new.encode("utf-8", "surrogatepass"), 1))


def _index_text(old: str, new: str) -> Make:
    return replaced("oci_archive", "index.json", old, new)


def _encoded(encoding: str) -> Make:
    def lie(entries: list[Entry]) -> None:
        document = builder.find(entries, "manifest.json")
        document.data = document.data.decode().encode(encoding)

    return lied("crane", lie)


CRAFTED: tuple[Crafted, ...] = (
    Crafted(
        "VIEW-06-case",
        "manifest.json has Config and config, each with another image",
        _second_config("config"),
        frozenset({"IMG202"}),
        true("jib"),
    ),
    Crafted(
        "VIEW-06-twice",
        "manifest.json has Config twice, each with another image",
        _second_config("Config"),
        frozenset({"IMG202"}),
        true("containers_image_docker"),
    ),
    Crafted(
        "VIEW-06-runs",
        "a config has Cmd and cmd: some readers show another command than is run",
        _config_text('"Cmd":["/bin/app"]', '"Cmd":["/bin/app"],"cmd":["/bin/evil"]'),
        frozenset({"IMG202"}),
        made(config=configured(config={"Labels": {"a": "1", "A": "2"}})),
    ),
    Crafted(
        "VIEW-06-runs-in-another-case",
        "a config has cmd only: some readers show no command, and Go runs one",
        _config_text('"Cmd":["/bin/app"]', '"cmd":["/bin/evil"]'),
        frozenset({"IMG202"}),
        made(),
    ),
    Crafted(
        "VIEW-06-merged",
        'a config has its whole "config" twice: Go merges them, others take the last',
        _config_text('"config":{', '"config":{"Entrypoint":["/bin/evil"]},"config":{'),
        frozenset({"IMG202"}),
        made(),
    ),
    Crafted(
        "VIEW-06-kelvin",
        "a manifest's layers stand under a key that Go takes for it, with another letter",
        made(lambda document: document.update({"layer\u017f": document.pop("layers")})),
        frozenset({"IMG202"}),
        made(),
    ),
    Crafted(
        "VIEW-08-second-value",
        "manifest.json goes on with a second list, in which the image has another tag",
        lied(
            "crane",
            lambda entries: builder.replace(
                entries,
                "manifest.json",
                (old := builder.find(entries, "manifest.json").data) + old.replace(b"app:1.0", b"evil:1"),
            ),
        ),
        frozenset({"IMG201"}),
        lied(
            "crane",
            lambda entries: builder.replace(
                entries, "manifest.json", b"\n" + builder.find(entries, "manifest.json").data + b" \n\n"
            ),
        ),
    ),
    Crafted(
        "VIEW-08-config",
        "a config goes on after its end",
        made(config=CONFIG + b"{}"),
        frozenset({"IMG201"}),
        made(config=CONFIG + b"\n"),
    ),
    *(
        Crafted(f"VIEW-09-{encoding}", f"manifest.json is {encoding}", _encoded(encoding), frozenset({"IMG201"}), twin)
        for encoding, twin in (
            ("utf-8-sig", true("crane")),
            ("utf-16", true("crane")),
            ("utf-16-le", true("crane")),
            ("utf-32-be", true("crane")),
        )
    ),
    Crafted(
        "VIEW-09-nan",
        "index.json has NaN for a value that nobody reads",
        _index_text('"schemaVersion":2', '"schemaVersion":2,"x":NaN'),
        frozenset({"IMG201"}),
        _index_text('"schemaVersion":2', '"schemaVersion":2,"x":1e3'),
    ),
    Crafted(
        "VIEW-09-infinity",
        "a number is beyond 64 bits: Python reads infinity, Go refuses",
        _config_text('"os":"linux"', '"os":"linux","x":1e999'),
        frozenset({"IMG201"}),
        _config_text('"os":"linux"', '"os":"linux","x":1e99'),
    ),
    Crafted(
        "VIEW-09-digits",
        "an integer of 5000 digits, which Python refuses",
        _config_text('"os":"linux"', f'"os":"linux","x":{"9" * 5000}'),
        frozenset({"IMG201"}),
        _config_text('"os":"linux"', f'"os":"linux","x":{"9" * 18}'),
    ),
    Crafted(
        "VIEW-09-type",
        "an environment that is one text: Docker refuses the config, others show it",
        _config_text('"Env":["PATH=/bin"]', '"Env":"PATH=/bin"'),
        frozenset({"IMG201"}),
        _config_text('"Env":["PATH=/bin"]', '"Env":null'),
    ),
    Crafted(
        "VIEW-09-surrogate",
        "an environment with half a character: Go puts U+FFFD in its place, Python keeps it",
        _config_text('"PATH=/bin"', '"PATH=/bin\\ud800"'),
        frozenset({"IMG201"}),
        _config_text('"PATH=/bin"', '"PATH=/bin\\ud83d\\ude00"'),
    ),
    Crafted(
        "VIEW-09-not-utf8",
        "a command with a byte that is no UTF-8: Go puts U+FFFD in its place, Python refuses",
        made(config=CONFIG.replace(b"/bin/app", b"/bin/app\xff", 1)),
        frozenset({"IMG201"}),
        made(config=CONFIG.replace(b"/bin/app", "/bin/\u00e9".encode(), 1)),
    ),
    Crafted(
        "VIEW-09-deep",
        "a config nests a hundred thousand deep: Python gives up, others do not",
        _config_text('"os":"linux"', f'"os":"linux","x":{"[" * 100_000}{"]" * 100_000}'),
        frozenset({"IMG902"}),
        _config_text('"os":"linux"', f'"os":"linux","x":{"[" * 40}{"]" * 40}'),
    ),
)
