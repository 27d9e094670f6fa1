#!/usr/bin/env python3
"""Compares `lqlora eval --log-samples` with lm-evaluation-harness, document by document.

usage: check_tasks.py HARNESS.json SAMPLES.jsonl        (HARNESS.json: of run_harness.py, with the same limit and shots)

Prints for each task the documents, the largest difference of a log-likelihood, how many scores and how many generated
texts differ. Exits with 1 if a log-likelihood differs by more than 1e-3, or a score or text at all.
"""
import json
import sys

NAMES = {"lambada": "lambada_openai"}
METRICS = {"exact_match,strict-match": "exact_match_strict", "exact_match,flexible-extract": "exact_match_flexible"}


def main():
    ours = {}
    for line in open(sys.argv[2], encoding="utf-8"):
        s = json.loads(line)
        name = NAMES.get(s["task"], s["task"]) + ("_" + s["group"] if "group" in s else "")
        ours[name, s["doc_id"]] = s
    totals = {}
    for run in json.load(open(sys.argv[1], encoding="utf-8"))["runs"]:
        total = totals.setdefault(run["task"], {"documents": 0, "difference": 0.0, "scores": 0, "texts": 0})
        for task, documents in run["documents"].items():
            for theirs in documents:
                sample = ours[task, theirs["doc_id"]]
                total["documents"] += 1
                pairs = list(zip(theirs.get("log_likelihoods", []), sample.get("log_likelihoods", [])))
                if len(theirs.get("log_likelihoods", [])) != len(sample.get("log_likelihoods", [])):
                    pairs = [(theirs["log_likelihoods"][0], sum(sample["log_likelihoods"]))]  # windows of one text
                total["difference"] = max([total["difference"]] + [abs(a - b) for a, b in pairs])
                total["texts"] += theirs.get("answer") != sample.get("answer")
                for metric, value in theirs.items():
                    name = METRICS.get(metric, metric)
                    if metric in ("doc_id", "answer", "greedy", "log_likelihoods") or name not in sample:
                        continue
                    total["scores"] += abs(sample[name] - value) > 1e-4
    bad = 0
    for task, t in totals.items():
        print(f"{task}: {t['documents']} documents, largest difference {t['difference']:.1e} nats, "
              f"{t['scores']} scores and {t['texts']} texts differ")
        bad += t["difference"] > 1e-3 or t["scores"] > 0 or t["texts"] > 0 or t["documents"] == 0
    return 1 if bad or not totals else 0


if __name__ == "__main__":
    sys.exit(main())
