from dataclasses import replace

import pytest

from scribe_desktop.selftest.report import (
    Report,
    Step,
    Totals,
    chunks,
    closing_lines,
    document_of,
    line_of,
)

STEP = Step("cut link", True, "It was cut.", 3, 120, (("connectionsBroken", 1),))
WHOLE = Totals(recorded=8, stored=8, recordings=2, receipts=2)
GOOD = Report((STEP,), (), WHOLE, 7.25)


def test_a_step_is_one_line() -> None:
    assert line_of(STEP) == "ok    cut link: It was cut."
    assert line_of(replace(STEP, ok=False)) == "fail  cut link: It was cut."


def test_the_summary_says_what_was_lost_and_whether_the_receipts_hold() -> None:
    assert WHOLE.words == "8 chunks recorded, 8 on the server, 0 lost; all receipts valid"
    one = Totals(recorded=4, stored=4, recordings=1, receipts=1)
    assert one.words == "4 chunks recorded, 4 on the server, 0 lost; receipt valid"
    less = Totals(recorded=8, stored=7, recordings=2, receipts=1)
    assert less.words == "8 chunks recorded, 7 on the server, 1 lost; 1 of 2 receipts valid"
    assert Totals().words == "0 chunks recorded, 0 on the server, 0 lost; 0 of 0 receipts valid"
    assert chunks(1) == "1 chunk"


@pytest.mark.parametrize(
    "bad",
    [
        replace(GOOD, totals=replace(WHOLE, stored=7)),
        replace(GOOD, totals=replace(WHOLE, receipts=1)),
        replace(GOOD, totals=replace(WHOLE, problems=("Something.",))),
        replace(GOOD, totals=Totals()),
        replace(GOOD, missing=("full disk",)),
        replace(GOOD, steps=(replace(STEP, ok=False),)),
    ],
)
def test_any_one_thing_that_is_not_right_makes_all_of_it_fail(bad: Report) -> None:
    assert GOOD.ok
    assert not bad.ok


def test_scripts_read_every_figure() -> None:
    assert document_of(GOOD, None) == {
        "ok": True,
        "seconds": 7.2,
        "recorded": 8,
        "onServer": 8,
        "lost": 0,
        "recordings": 2,
        "receiptsValid": 2,
        "problems": [],
        "steps": [
            {
                "name": "cut link",
                "ok": True,
                "words": "It was cut.",
                "affected": 3,
                "recoveryMs": 120,
                "evidence": {"connectionsBroken": 1},
            }
        ],
        "notTried": [],
        "evidence": None,
    }


def test_the_closing_lines_name_problems_and_what_was_left_out() -> None:
    bad = replace(
        GOOD,
        missing=("full disk",),
        totals=replace(WHOLE, stored=7, problems=("Chunk 3 is gone.",)),
    )
    proof, problem, left_out, summary = closing_lines(bad)
    assert proof.startswith("fail  proof: 7 of 8 chunks came back")
    assert problem == "fail  Chunk 3 is gone."
    assert left_out == "Not tried: full disk."
    assert summary == "8 chunks recorded, 7 on the server, 1 lost; all receipts valid (7 s)."
    assert [line[:4] for line in closing_lines(GOOD)] == ["ok  ", "8 ch"]
