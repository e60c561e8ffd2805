"""The same four stages through `cargo lambda watch` and `cargo lambda invoke`."""

import urllib.request

from local.stack import FUNCTIONS
from local.standins import Standins
from local.watch import invoke, watching


def test_the_stages_run_one_by_one(tmp_path):
    with watching(tmp_path) as session:
        outputs = {}
        for function in FUNCTIONS:
            outputs[function] = invoke(session, function)
        summary = outputs["sync"]["summary"]
        assert summary["verdict"] == "OK"
        assert summary["applied"] == {
            "created": 3,
            "updated": 19,
            "marked": 2,
            "failed": 0,
            "unknown": 0,
            "drifted": 0,
        }
        remote = Standins(int(session["standins"].rsplit(":", 1)[1]))
        assert len([call for call in remote.log() if call["method"] == "PUT"]) == 2
        urllib.request.urlopen(session["standins"] + "/log").close()
