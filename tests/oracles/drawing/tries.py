"""One seed after another, until the time or the number is over."""

import shutil
import time

from drawing.oracle import OracleRefused, Refused


def run_tries(one, work, counts, refusals, seed, seconds, tries, keep, told=lambda: ""):
    """one(seed) raises AssertionError where something differs. What it left in `work` goes to `keep`. Prints each difference, what
    was compared and what was refused; returns how many differed."""
    begin = time.monotonic()
    different = tried = 0
    while (tries == 0 or tried < tries) and (tries != 0 or time.monotonic() - begin < seconds):
        try:
            one(seed)
        except Refused as e:
            text = str(e).replace(str(work), "")
            refusals[text[text.find("]") + 1 :][:200]] += 1
        except OracleRefused as e:
            refusals[f"[oracle] {e}"[:200]] += 1
        except AssertionError as e:
            different += 1
            print(f"DIFFERENT, seed {seed}{told()}: {e}", flush=True)
            if keep:
                for name in ("model", "adapter", "tuned", "packed", "exported", "glue"):
                    if (work / name).exists():
                        shutil.copytree(work / name, keep / str(seed) / name, dirs_exist_ok=True)
                if (work / "text.txt").exists():
                    shutil.copy(work / "text.txt", keep / str(seed))
        seed += 1
        tried += 1
        if tried % 100 == 0:
            print(f"... {tried} tried, {different} different, {time.monotonic() - begin:.0f} s", flush=True)
    print(f"{tried} tried in {time.monotonic() - begin:.0f} s, {different} different")
    print("compared: " + ", ".join(f"{what} {n}" for what, n in sorted(counts.items())))
    for text, n in refusals.most_common():
        print(f"refused {n} times: {text}")
    return different
