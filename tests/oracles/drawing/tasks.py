"""Made-up files of GLUE's tasks in the benchmark's layout."""

from drawing.encoders import some_text

# name: folder, columns of the training file (None: no header), of the test file, texts' columns, label's column, names by number
NLI = ["entailment", "neutral", "contradiction"]
MNLI = "index promptID pairID genre p1 p2 p3 p4 sentence1 sentence2".split()
STSB = "index genre filename year old_index source1 source2 sentence1 sentence2".split()
TASKS = {
    "cola": ("CoLA", None, ["index", "sentence"], [3], 1, ["0", "1"]),
    "sst2": ("SST-2", ["sentence", "label"], ["index", "sentence"], ["sentence"], "label", ["0", "1"]),
    "mrpc": ("MRPC", ["Quality", "#1 ID", "#2 ID", "#1 String", "#2 String"], ["index", "#1 ID", "#2 ID", "#1 String", "#2 String"],
             ["#1 String", "#2 String"], "Quality", ["0", "1"]),
    "stsb": ("STS-B", [*STSB, "score"], STSB, ["sentence1", "sentence2"], "score", None),
    "qqp": ("QQP", ["id", "qid1", "qid2", "question1", "question2", "is_duplicate"], ["id", "question1", "question2"], ["question1", "question2"],
            "is_duplicate", ["0", "1"]),
    "mnli": ("MNLI", [*MNLI, "label1", "gold_label"], MNLI, ["sentence1", "sentence2"], "gold_label", NLI),
    "qnli": ("QNLI", ["index", "question", "sentence", "label"], ["index", "question", "sentence"], ["question", "sentence"], "label",
             ["entailment", "not_entailment"]),
    "rte": ("RTE", ["index", "sentence1", "sentence2", "label"], ["index", "sentence1", "sentence2"], ["sentence1", "sentence2"], "label",
            ["entailment", "not_entailment"]),
    "wnli": ("WNLI", ["index", "sentence1", "sentence2", "label"], ["index", "sentence1", "sentence2"], ["sentence1", "sentence2"], "label", ["0", "1"]),
}


class Task:
    """Made-up files of a task in the benchmark's layout: self.sets[split] = [(first, second or None, label)]."""

    def __init__(self, rng, glue, outputs, longest_words):
        fitting = [n for n, t in TASKS.items() if (len(t[5]) if t[5] else 1) == outputs]
        self.name = rng.choice(fitting)
        title, train, test, texts, label, self.names = TASKS[self.name]
        self.title = {"mnli": "MNLI-m"}.get(self.name, title)
        folder = glue / title
        folder.mkdir(parents=True)
        self.sets = {}
        for split, rows in (("train", 8), ("dev", 9), ("test", 5)):
            columns = test if split == "test" else train
            lines = [] if columns is None else ["\t".join(columns)]
            examples = []
            for i in range(rows):
                parts = [some_text(rng, rng.choice([1, 4, 9, longest_words])) + rng.choice(["", "", '"', " ''quoted''"]) for _ in texts]
                value = (f"{rng.choice([0, 5, 2.5, rng.randrange(501) / 100])}" if self.names is None else self.names[(i + rng.randrange(2)) % len(self.names) if i > 2 else i % len(self.names)])
                if columns is None:
                    row = {0: "gj04", 1: value, 2: rng.choice(["", "*"]), 3: parts[0]}
                else:
                    row = {c: f"{c}{i}" for c in columns} | {"index": str(i)} | dict(zip(["sentence"] if texts == [3] else texts, parts)) | {label: value}
                lines.append("\t".join(row[c] for c in (columns or range(4))))
                number = float(value) if self.names is None else float(self.names.index(value))
                examples.append((parts[0], parts[1] if len(parts) > 1 else None, number))
            name = {"mnli": {"dev": "dev_matched", "test": "test_matched"}}.get(self.name, {}).get(split, split)
            end = rng.choice(["\n", "\n", "\r\n"])
            (folder / f"{name}.tsv").write_bytes((end.join(lines) + rng.choice(["", end])).encode())
            self.sets[split] = examples

    def outputs_of(self, config):
        """The number of the classifier's output for each label."""
        if self.names is None:
            return [0]
        known = [str(config.id2label[i]).lower() for i in range(len(config.id2label))]
        return [known.index(n) for n in self.names] if sorted(known) == sorted(self.names) else list(range(len(self.names)))
