# requirements: transformers==5.24.0 jinja2==3.1.6
"""Does our Jinja render real chat templates as transformers does?

usage: check_templates.py RENDER_CHAT TEMPLATES [--show N]

RENDER_CHAT is the program of this folder (build/render_chat), TEMPLATES a folder of *.jinja files, such as
models/templates of llama.cpp (it lies in the source package of llama-cpp-python: pip download --no-deps --no-binary :all:
--no-build-isolation llama-cpp-python). Each template is rendered over eight conversations, with and without the prompt for
an answer, by transformers' apply_chat_template and by us. A template is equal where all of its texts are; where transformers
raises, we have to refuse. It prints what differs, what is refused by name, and the loss masks: for how many of the texts the
assistant's part is told, and whether the answers lie in it.
"""

import argparse
import json
import subprocess
from datetime import datetime
from pathlib import Path

import transformers.utils.chat_template_utils as utils
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

NOW = datetime(2026, 3, 5, 14, 7, 9)
TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}


class FixedClock(datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW


def tool(name, **properties):
    parameters = {"type": "object", "properties": properties, "required": list(properties)[:1]}
    return {"type": "function", "function": {"name": name, "description": f"Tells the {name}.", "parameters": parameters}}


TOOLS = [tool("weather", city={"type": "string", "description": "A town, \"quoted\""}, days={"type": "integer", "minimum": 1}),
         tool("time", zone={"type": "string", "enum": ["UTC", "CET"]})]


def call(i, name, **arguments):
    return {"id": f"call{i:05d}", "type": "function", "function": {"name": name, "arguments": arguments}}


def u(text):
    return {"role": "user", "content": text}


def a(text, **more):
    return {"role": "assistant", "content": text, **more}


CONVERSATIONS = {
    "one question": dict(messages=[u("Hello there")]),
    "turns": dict(messages=[u(" spaces around "), a(" An answer. "), u("more\nlines"), a("Second <b>answer</b> ünï 😀")]),
    "system": dict(messages=[{"role": "system", "content": "Be brief.\n"}, u("one"), a("two"), u("three")]),
    "tools": dict(messages=[{"role": "system", "content": "You can call."}, u("Weather in Rome?"),
                            a("", tool_calls=[call(1, "weather", city="Rome", days=2)]),
                            {"role": "tool", "name": "weather", "tool_call_id": "call00001", "content": "{\"sky\": \"clear\"}"},
                            a("It is clear."), u("And the time?")], tools=TOOLS),
    "two calls": dict(messages=[u("Both?"), a("Wait.", tool_calls=[call(1, "weather", city="Oslo"), call(2, "time", zone="CET")]),
                                {"role": "tool", "name": "weather", "tool_call_id": "call00001", "content": "rain"},
                                {"role": "tool", "name": "time", "tool_call_id": "call00002", "content": "12:30"},
                                a("Rain, 12:30.")], tools=TOOLS),
    "reasoning": dict(messages=[u("2+2?"), a("4", reasoning_content="Two and two.\n"), u("3+3?"),
                                a("6", reasoning_content="Three twice.")], variables={"enable_thinking": True}),
    "parts": dict(messages=[{"role": "user", "content": [{"type": "text", "text": "First part."}, {"type": "text", "text": "Second."}]},
                            {"role": "assistant", "content": [{"type": "text", "text": "An answer in parts."}]}, u("And?")]),
    "empty": dict(messages=[{"role": "system", "content": ""}, u(""), a(""), u("?")], variables={"enable_thinking": False}),
}


def theirs(tokenizer, template, case, prompt):
    try:
        return tokenizer.apply_chat_template(case["messages"], chat_template=template, tokenize=False, tools=case.get("tools"),
                                             add_generation_prompt=prompt, **case.get("variables", {}))
    except Exception as e:  # of jinja2, of transformers, of Python inside the template
        return e


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("program")
    p.add_argument("templates", type=Path)
    p.add_argument("--show", type=int, default=1, help="differences to print for each template")
    args = p.parse_args()
    utils.datetime = FixedClock
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), **TOKENS)
    ours = subprocess.Popen([args.program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    files = sorted(args.templates.glob("*.jinja"))
    equal = different = refused = texts = told = untold = outside = 0
    for file in files:
        template = file.read_text()
        wrong, named = [], []
        for name, case in CONVERSATIONS.items():
            for prompt in (False, True):
                expected = theirs(tokenizer, template, case, prompt)
                request = {**case, "template": template, "tokens": TOKENS, "add_generation_prompt": prompt,
                           "now": [NOW.year, NOW.month, NOW.day, NOW.hour, NOW.minute, NOW.second]}
                ours.stdin.write(json.dumps(request) + "\n")
                ours.stdin.flush()
                got = json.loads(ours.stdout.readline())
                texts += 1
                if isinstance(expected, Exception):
                    if "error" not in got:
                        wrong.append(f"{name}: transformers raises {expected!r}, we render {got['text']!r}")
                elif "error" in got:
                    (named if got["code"] == 4 else wrong).append(f"{name}: {got['error']}")
                elif got["text"] != expected:
                    at = next((i for i, (x, y) in enumerate(zip(got["text"], expected)) if x != y), min(len(got["text"]), len(expected)))
                    wrong.append(f"{name}: at {at}: {got['text'][max(0, at - 30):at + 60]!r} should be {expected[max(0, at - 30):at + 60]!r}")
                elif not prompt:
                    answers = [m["content"].strip() for m in case["messages"]
                               if m["role"] == "assistant" and isinstance(m["content"], str)]
                    if "mask_error" in got:
                        untold += 1
                        print(f"{file.name}: {name}: {got['mask_error']}")
                        continue
                    told += 1
                    data = got["text"].encode()
                    said = [data[b:e].decode() for b, e, _ in got["trained"]]
                    lost = [x for x in answers if x and x in got["text"] and not any(x in s for s in said)]
                    foreign = [s for s in said if any(m["role"] == "user" and isinstance(m["content"], str) and len(m["content"]) > 4
                                                      and m["content"] in s for m in case["messages"])]
                    if lost or foreign:
                        outside += 1
                        print(f"{file.name}: {name}: mask {said!r} of {got['text']!r}")
        equal += not wrong and not named
        different += bool(wrong)
        refused += bool(named) and not wrong
        for line in (wrong + named)[: args.show]:
            print(f"{file.name}: {line}")
    print(f"{len(files)} templates, {texts} texts: {equal} equal, {refused} refused by name, {different} different")
    print(f"masks of {told + untold} texts: {told} told, {untold} refused, {outside} wrong")
    raise SystemExit(different > 0 or outside > 0)


if __name__ == "__main__":
    main()
