# requirements: tensorboard==2.21.0
"""Does TensorBoard read what `lqlora finetune` writes?

usage: check_event_file.py ADAPTER

Compares the scalars of ADAPTER's event file, read by TensorBoard's own loader (which checks the CRCs), with log.jsonl.
"""

import json
import math
import sys
from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


def main():
    folder = Path(sys.argv[1])
    events = EventAccumulator(str(folder), size_guidance={"scalars": 0, "tensors": 0})
    events.Reload()
    compared = 0
    for line in (folder / "log.jsonl").read_text().splitlines():
        record = json.loads(line)
        tag, key = ("validation/loss", "validation_loss") if "validation_loss" in record else ("train/loss", "loss")
        if key not in record:
            continue
        found = [s.value for s in events.Scalars(tag) if s.step == record["step"]]
        assert len(found) == 1 and math.isclose(found[0], record[key], rel_tol=1e-6), (tag, record, found)
        compared += 1
    assert compared > 0
    print(f"{compared} losses equal, tags {events.Tags()['scalars']}")


if __name__ == "__main__":
    main()
