#!/usr/bin/env python3
"""Compares every answer of a played demo with its sample files.

Shares no code with what it checks: membership is worked out from the CSV files with plain sets.
Usage: check_demo.py FOLDER
"""

import csv
import re
import sys
from pathlib import Path

# The members in the order of their numbers; the first one asks, the others answer.
MEMBERS = ["harbour-bank", "jade-insurance", "swift-pay", "lotus-finance"]
COLUMNS = ["phone", "card"]
MIN_ENTRIES = 10_000


def canonical(column, value):
    """The digits that identify: eleven of a mobile number, all of a card number."""
    digits = re.sub(r"\D", "", value)
    return digits[-11:] if column == "phone" else digits


def rows(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def main(folder):
    listed = {}
    for number, slug in enumerate(MEMBERS, start=1):
        entries = rows(folder / "samples" / f"{slug}.csv")
        for column in COLUMNS:
            listed[number, column] = {canonical(column, row[column]) for row in entries}
        size = sum(len(listed[number, column]) for column in COLUMNS)
        assert size >= MIN_ENTRIES, f"the list of {slug} has only {size} entries"

    applicants = rows(folder / "samples" / "applicants.csv")
    results = rows(folder / "results.csv")
    assert len(results) == len(applicants), f"{len(applicants)} applicants, {len(results)} results"

    answers = {"hit": 0, "clear": 0}
    for applicant, result in zip(applicants, results):
        for column in COLUMNS:
            assert result[column] == applicant[column], f"row {applicant['no']} was changed"
            expected = []
            for number in range(2, len(MEMBERS) + 1):
                on_list = canonical(column, applicant[column]) in listed[number, column]
                said = result[f"{column}:M{number}/blacklist"]
                expected.append("hit" if on_list else "clear")
                assert said == expected[-1], (
                    f"row {applicant['no']}, {column}, member {number}: {said}, not {expected[-1]}"
                )
                answers[said] += 1
            overall = "hit" if "hit" in expected else "clear"
            assert result[f"{column}:answer"] == overall, f"row {applicant['no']}, {column}"
    assert answers["hit"] and answers["clear"], f"the sample shows only one kind of answer: {answers}"
    print(f"{sum(answers.values())} answers are right: {answers['hit']} hits, {answers['clear']} clear")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
