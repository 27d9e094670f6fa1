#!/usr/bin/env python3
"""Runs lm-evaluation-harness itself, through transformers, on benchmark files in a local folder.

usage: run_harness.py MODEL DATA OUT.json TASK[:SHOTS[:MAX_LENGTH]]... [--limit N] [--batch-size B]
                      [--max-new-tokens N]                                 (needs lm-eval 0.4.13; run by hand)

DATA is what `lqlora eval --data` reads: DATA/<task>/ with the files as they are published. They are handed to the
harness in the hub's form, whose task files it keeps as they are. A TASK that ends in .yaml is a task file of the
harness's own kind; its dataset_path names a folder of DATA. OUT gets, for every document, the log-likelihoods and
whether they are the most likely text, or the generated text, and the scores; then the harness's results, the seconds
and the memory that it took. check_tasks.py compares it with `lqlora eval --log-samples`.
"""
import argparse
import csv
import glob
import gzip
import json
import os
import re
import resource
import tempfile
import time
import traceback

import datasets
import torch
import yaml

FOLDERS = {"allenai/ai2_arc": None, "Rowan/hellaswag": "hellaswag", "allenai/winogrande": "winogrande",
           "allenai/openbookqa": "openbookqa", "baber/piqa": "piqa", "aps/super_glue": "boolq",
           "openai/gsm8k": "gsm8k", "EleutherAI/lambada_openai": "lambada", "truthfulqa/truthful_qa": "truthfulqa",
           "EleutherAI/wikitext_document_level": "wikitext", "cais/mmlu": "mmlu"}
NAMES = {"lambada": "lambada_openai"}  # ours: the harness's
PLACES = ["arc", "hellaswag", "winogrande", "openbookqa", "piqa", "super_glue/boolq", "truthfulqa", "mmlu/default",
          "gsm8k", "lambada", "wikitext"]  # of the harness's task files
SPLITS = {"train": ["train"], "validation": ["validation", "valid", "dev", "val", "mc_task"], "test": ["test"]}


def records_of(path):
    opened = gzip.open(path, "rt", encoding="utf-8") if path.endswith(".gz") else open(path, encoding="utf-8")
    with opened as f:
        name = path.removesuffix(".gz")
        if name.endswith(".jsonl"):
            return [json.loads(line) for line in f if line.strip()]
        if name.endswith(".json"):
            return json.load(f)
        rows = list(csv.reader(f, delimiter="\t" if name.endswith(".tsv") else ","))
        header = ["question", "A", "B", "C", "D", "answer"]
        if rows[0][0] == "question":
            header, rows = rows[0], rows[1:]
        return [dict(zip(header, row)) for row in rows]


def split_files(folder, split):
    for pattern in ("{}.", "{}[_-]*."):
        for stem in SPLITS[split]:
            found = sorted(p for p in glob.glob(f"{folder}/{pattern.format(stem)}*")
                           if not p.endswith(".lst") and os.path.isfile(p))
            if found:
                return found
    return []


def in_hub_form(task, record, label):
    r = dict(record)
    if task in ("arc_easy", "arc_challenge", "openbookqa"):
        q = r["question"] if isinstance(r.get("question"), dict) else r
        choices = q["choices"]
        if isinstance(choices, list):
            choices = {"text": [c["text"] for c in choices], "label": [c["label"] for c in choices]}
        stem = q["stem"] if "stem" in q else q.get("question", q.get("question_stem"))
        return {"question": stem, "question_stem": stem, "choices": choices, "answerKey": r["answerKey"]}
    if task == "hellaswag":
        if "ctx_a" not in r:
            head = r["activity_label"] + ": "
            assert r["query"].startswith(head), r["query"]
            r["ctx_a"], r["ctx_b"] = r["query"][len(head):], ""
        return {k: r[k] for k in ("activity_label", "ctx_a", "ctx_b", "endings")} | {"label": str(r["label"])}
    if task == "piqa":
        return {k: r[k] for k in ("goal", "sol1", "sol2")} | {"label": int(label if label is not None else r["label"])}
    if task == "boolq":
        return {"question": r["question"], "passage": r["passage"], "label": int(r.get("answer", r.get("label")))}
    if task == "truthfulqa":
        for key in ("mc1_targets", "mc2_targets"):
            if "labels" not in r[key]:
                r[key] = {"choices": list(r[key]), "labels": list(r[key].values())}
        return {k: r[k] for k in ("question", "mc1_targets", "mc2_targets")}
    if task == "mmlu":
        if "choices" not in r:
            r["choices"] = [r[k] for k in ("ABCD" if "A" in r else ["choice0", "choice1", "choice2", "choice3"])]
        answer = r["answer"]
        return {"question": r["question"], "choices": r["choices"],
                "answer": "ABCD".index(answer) if answer in ("A", "B", "C", "D") else int(answer)}
    return r


def load_local(data, path=None, name=None, **_):
    folder = FOLDERS.get(path, path)
    if path == "allenai/ai2_arc":
        folder = {"ARC-Easy": "arc_easy", "ARC-Challenge": "arc_challenge"}[name]
    splits = {}
    if folder == "mmlu":
        for split, place in (("test", "test"), ("dev", "dev")):
            files = glob.glob(f"{data}/mmlu/{place}/{name}_{place}.*")
            splits[split] = [in_hub_form("mmlu", r, None) for f in files for r in records_of(f)]
    else:
        for split in SPLITS:
            records = []
            for f in split_files(f"{data}/{folder}", split):
                labels = os.path.join(os.path.dirname(f), os.path.basename(f).split(".")[0] + "-labels.lst")
                lines = open(labels).read().split() if os.path.exists(labels) else None
                records += [in_hub_form(folder, r, lines[i] if lines else None) for i, r in enumerate(records_of(f))]
            if records:
                splits[split] = records
        # The harness opens all splits that its task file names, whether it reads them or not.
        for split in SPLITS:
            splits.setdefault(split, next(iter(splits.values())))
    return datasets.DatasetDict({k: datasets.Dataset.from_list(v) for k, v in splits.items() if v})


def write_mmlu_groups(data, place):
    """The harness's groups, of the subjects that DATA has, as task files in a folder."""
    import lm_eval
    groups = {}
    for path in sorted(glob.glob(f"{data}/mmlu/test/*")):
        subject = os.path.basename(path).split(".")[0].removesuffix("_test")
        task = yaml.safe_load(open(os.path.dirname(lm_eval.__file__) + f"/tasks/mmlu/default/mmlu_{subject}.yaml"))
        groups.setdefault(task["tag"].removesuffix("_tasks"), []).append("mmlu_" + subject)
    groups["mmlu"] = list(groups)
    for group, tasks in groups.items():
        with open(f"{place}/{group}.yaml", "w") as f:
            yaml.safe_dump({"group": group, "task": tasks,
                            "aggregate_metric_list": [{"metric": "acc", "weight_by_size": True}]}, f)


def document(sample):
    out = {"doc_id": sample["doc_id"]}
    values = []
    for response in sample["resps"]:
        while isinstance(response, list):
            response = response[0]
        values.append(response)
    if isinstance(values[0], str):
        out["answer"] = values[0]
    else:
        pairs = [v if isinstance(v, tuple) else (v,) for v in values]
        out["log_likelihoods"] = [float(p[0]) for p in pairs]
        if len(pairs[0]) > 1:
            out["greedy"] = [bool(p[1]) for p in pairs]
    for metric in ("acc", "acc_norm", "exact_match"):
        if metric in sample:
            out[metric] = float(sample[metric])
    return out


def main():
    p = argparse.ArgumentParser()
    p.add_argument("model"), p.add_argument("data"), p.add_argument("out"), p.add_argument("tasks", nargs="+")
    p.add_argument("--limit", type=int)
    p.add_argument("--batch-size", type=int, default=1)
    p.add_argument("--max-new-tokens", type=int, default=256)
    p.add_argument("--timings", action="store_true", help="also seconds and memory")
    a = p.parse_args()
    datasets.load_dataset = lambda *args, **kw: load_local(a.data, *args, **kw)
    import lm_eval
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    places = [os.path.dirname(lm_eval.__file__) + "/tasks/" + p for p in PLACES]
    groups = tempfile.TemporaryDirectory()
    write_mmlu_groups(a.data, groups.name)
    manager = TaskManager(include_defaults=False, include_path=places + [groups.name])
    lm = HFLM(pretrained=a.model, dtype=torch.float32, device="cpu", batch_size=a.batch_size)
    out = {"lm_eval": lm_eval.__version__, "runs": []}
    for given in a.tasks:
        name, *settings = given.split(":")
        shots = int(settings[0]) if settings and settings[0] else None
        lm._max_length = int(settings[1]) if len(settings) > 1 else None
        task = yaml.safe_load(open(name)) if name.endswith(".yaml") else NAMES.get(name, name)
        generates = name == "gsm8k" or isinstance(task, dict) and task.get("output_type") == "generate_until"
        begin = time.monotonic()
        try:
            result = lm_eval.simple_evaluate(
                model=lm, tasks=[task], num_fewshot=shots, limit=a.limit, task_manager=manager, bootstrap_iters=0,
                log_samples=True, gen_kwargs={"max_gen_toks": a.max_new_tokens} if generates else None)
        except Exception:  # the tasks behind it may go well
            traceback.print_exc()
            continue
        seconds = time.monotonic() - begin
        run = {"task": os.path.basename(name).removesuffix(".yaml"), "shots": shots, "max_length": lm._max_length,
               "limit": a.limit, "documents": {}, "results": {}}
        if a.timings:
            run |= {"batch_size": a.batch_size, "seconds": round(seconds, 1),
                    "peak_rss_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}
        for task, samples in result["samples"].items():
            by_id = {}
            for s in samples:  # one for each filter of a document
                d = by_id.setdefault(s["doc_id"], document(s))
                if s.get("filter", "none") != "none":
                    d[f"exact_match,{s['filter']}"] = float(s["exact_match"])
            for d in by_id.values():
                if "answer" in d and len(d) > 3:
                    d.pop("exact_match", None)
            run["documents"][task] = [by_id[i] for i in sorted(by_id)]
        for task, scores in result["results"].items():
            run["results"][task] = {k: v for k, v in scores.items()
                                    if isinstance(v, (int, float)) and k != "sample_len"}
        out["runs"].append(run)
        print(given, run["results"], f"{seconds:.1f} s", flush=True)
        write(a.out, out)


def write(path, out):
    """One line a document, so that the file can be read."""
    text = json.dumps(out, indent=1, ensure_ascii=False)
    text = re.sub(r"\{\n\s+\"doc_id\"[^{}]*\}", lambda m: re.sub(r"\n\s*", " ", m.group()), text)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text + "\n")


if __name__ == "__main__":
    main()
