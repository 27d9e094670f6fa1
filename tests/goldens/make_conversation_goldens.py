#!/usr/bin/env python3
"""Makes conversations.json: records of chat data in every dialect, the text that transformers' chat templates give for
what they mean, and what of it is trained.

    python3 tests/goldens/make_conversation_goldens.py

A case names a template, a record, and the messages (tools, variables) that the record means; the text is transformers'
for those. What is trained is written by hand as the strings in their order; where the template has {% generation %} it
is what transformers marks.
"""
import json
from pathlib import Path

from transformers.utils.chat_template_utils import render_jinja_template

HERE = Path(__file__).resolve().parent
END = "<|im_end|>"
TURN = "<|im_start|>{{ m.role }}\n"
TEMPLATES = {
    "text": "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}"
            "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    "parts": "{% for m in messages %}" + TURN + "{% if m.content is string %}{{ m.content }}{% else %}"
             "{% for p in m.content %}{{ p.text }}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
             "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
    "only_parts": "{% for m in messages %}" + TURN + "{% for p in m.content %}{% if p.type == 'text' %}{{ p.text }}{% endif %}"
                  "{% endfor %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
    "tools": "{% if tools %}<|im_start|>tools\n{% for t in tools %}{{ t | tojson }}\n{% endfor %}<|im_end|>\n{% endif %}"
             "{% for m in messages %}" + TURN + "{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}"
             "{{ m.content if m.content else '' }}{% for c in m.tool_calls or [] %}<call>{{ c.function.name }}("
             "{{ c.function.arguments if c.function.arguments is string else c.function.arguments | tojson }})</call>{% endfor %}"
             "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
    "generation": "{% for m in messages %}" + TURN + "{% if m.role == 'assistant' %}{% generation %}{{ m.content }}<|im_end|>\n"
                  "{% endgeneration %}{% else %}{{ m.content }}<|im_end|>\n{% endif %}{% endfor %}"
                  "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
    "switch": "{% for m in messages %}" + TURN + "{{ m.content }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n"
              "{% endif %}{% if enable_thinking is defined and not enable_thinking %}<!-- off -->{% endif %}",
}
Q, A = {"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}
CALL = {"id": "c1", "type": "function", "function": {"name": "w", "arguments": {"z": 1, "a": "é"}}}
CALL_TEXT = {"type": "function", "function": {"name": "w", "arguments": '{"z": 1}'}}
TOOL = {"type": "function", "function": {"name": "w", "description": "d", "parameters": {"type": "object", "properties": {}}}}


def user(text):
    return {"role": "user", "content": text}


def answer(text, **more):
    return {"role": "assistant", "content": text, **more}


def part(*texts):
    return [{"type": "text", "text": t} for t in texts]


# (name, template, record, messages that it means, tools, variables, what is trained, findings it should report)
CASES = [
    # OpenAI's and ShareGPT's keys alike under either name.
    ("openai", "text", {"messages": [Q, A]}, [Q, A], None, {}, ["a" + END], []),
    ("openai under conversations", "text", {"conversations": [Q, A]}, [Q, A], None, {}, ["a" + END], []),
    ("sharegpt", "text", {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]}, [Q, A], None, {}, ["a" + END], []),
    ("sharegpt under messages", "text", {"messages": [{"from": "user", "value": "q"}, {"from": "model", "value": "a"}]}, [Q, A], None, {}, ["a" + END], []),
    ("sharegpt's roles under role", "text", {"messages": [{"role": "human", "content": "q"}, {"role": "gpt", "content": "a"}]}, [Q, A], None, {}, ["a" + END], []),
    ("mixed keys", "text", {"messages": [{"role": "user", "value": "q"}, {"from": "gpt", "content": "a"}]}, [Q, A], None, {}, ["a" + END], []),
    ("messages as text", "text", {"messages": json.dumps([Q, A])}, [Q, A], None, {}, ["a" + END], []),
    ("several turns", "text", {"messages": [Q, A, user("q2"), answer("a2")]}, [Q, A, user("q2"), answer("a2")], None, {}, ["a" + END, "a2" + END], []),
    ("unknown role is the template's", "text", {"messages": [{"role": "critic", "content": "c"}, Q, A]}, [{"role": "critic", "content": "c"}, Q, A], None, {}, ["a" + END], []),
    # System.
    ("system field", "text", {"system": "S", "conversations": [Q, A]}, [{"role": "system", "content": "S"}, Q, A], None, {}, ["a" + END], []),
    ("system field beside messages", "text", {"system": "S", "messages": [Q, A]}, [{"role": "system", "content": "S"}, Q, A], None, {}, ["a" + END], []),
    ("empty system field", "text", {"system": "", "messages": [Q, A]}, [Q, A], None, {}, ["a" + END], ["empty_system"]),
    ("empty system message", "text", {"messages": [{"role": "system", "content": ""}, Q, A]}, [Q, A], None, {}, ["a" + END], ["empty_system"]),
    ("null system field", "text", {"system": None, "messages": [Q, A]}, [Q, A], None, {}, ["a" + END], []),
    ("system twice", "text", {"system": "T", "messages": [{"role": "system", "content": "S"}, Q, A]}, [{"role": "system", "content": "S"}, Q, A], None, {}, ["a" + END], ["system_twice"]),
    # Flags of a message.
    ("weight 0", "text", {"messages": [Q, answer("a", weight=0), user("q2"), answer("a2", weight=1)]}, [Q, A, user("q2"), answer("a2")], None, {}, ["a2" + END], ["turn_not_trained"]),
    ("weight 0.0", "text", {"messages": [Q, answer("a", weight=0.0), user("q2"), answer("a2")]}, [Q, A, user("q2"), answer("a2")], None, {}, ["a2" + END], ["turn_not_trained"]),
    ("train false", "text", {"messages": [Q, answer("a", train=True), user("q2"), answer("a2", train=False)]}, [Q, A, user("q2"), answer("a2")], None, {}, ["a" + END], ["turn_not_trained"]),
    ("loss false", "text", {"messages": [Q, answer("a", loss=False), user("q2"), answer("a2", loss=True)]}, [Q, A, user("q2"), answer("a2")], None, {}, ["a2" + END], ["turn_not_trained"]),
    ("training false", "text", {"messages": [Q, answer("a", training=False), user("q2"), answer("a2")]}, [Q, A, user("q2"), answer("a2")], None, {}, ["a2" + END], ["turn_not_trained"]),
    ("weight under sharegpt", "text", {"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a", "weight": 0}, {"from": "human", "value": "q2"}, {"from": "gpt", "value": "a2", "weight": 1}]}, [Q, A, user("q2"), answer("a2")], None, {}, ["a2" + END], ["turn_not_trained"]),
    ("flag of a user", "text", {"messages": [{"role": "user", "content": "q", "train": True}, A]}, [Q, A], None, {}, ["a" + END], ["flag_no_effect"]),
    ("flags that are null", "text", {"messages": [Q, answer("a", weight=None, train=None)]}, [Q, A], None, {}, ["a" + END], []),
    ("weight 0 in a template with generation", "generation", {"messages": [Q, answer("a", weight=0), user("q2"), answer("a2")]}, [Q, A, user("q2"), answer("a2")], None, {}, ["a2" + END + "\n"], ["turn_not_trained"]),
    # Content.
    ("parts, joined", "text", {"messages": [{"role": "user", "content": part("q1", "q2")}, {"role": "assistant", "content": part("a")}]}, [user("q1q2"), A], None, {}, ["a" + END], ["parts_joined"]),
    ("parts, as they are", "parts", {"messages": [{"role": "user", "content": part("q1", "q2")}, {"role": "assistant", "content": part("a")}]}, [{"role": "user", "content": part("q1", "q2")}, {"role": "assistant", "content": part("a")}], None, {}, ["a" + END], []),
    ("text where parts are wanted", "only_parts", {"messages": [Q, A]}, [{"role": "user", "content": part("q")}, {"role": "assistant", "content": part("a")}], None, {}, ["a" + END], ["text_as_part"]),
    # Calls and tools.
    ("a call beside empty text", "tools", {"messages": [Q, answer("", tool_calls=[CALL]), {"role": "tool", "content": "r"}, A]}, [Q, answer("", tool_calls=[CALL]), {"role": "tool", "content": "r"}, A], None, {}, ['<call>w({"z": 1, "a": "é"})</call>' + END, "a" + END], []),
    ("a call beside null", "tools", {"messages": [Q, {"role": "assistant", "content": None, "tool_calls": [CALL_TEXT]}, {"role": "tool", "content": "r"}, A]}, [Q, {"role": "assistant", "content": None, "tool_calls": [CALL_TEXT]}, {"role": "tool", "content": "r"}, A], None, {}, ['<call>w({"z": 1})</call>' + END, "a" + END], []),
    ("a call without content", "tools", {"messages": [Q, {"role": "assistant", "tool_calls": [CALL]}, {"role": "tool", "content": "r"}, A]}, [Q, {"role": "assistant", "tool_calls": [CALL]}, {"role": "tool", "content": "r"}, A], None, {}, ['<call>w({"z": 1, "a": "é"})</call>' + END, "a" + END], []),
    ("a call that the template does not write", "text", {"messages": [Q, answer("", tool_calls=[CALL]), {"role": "tool", "content": "r"}, A]}, [Q, answer(""), {"role": "tool", "content": "r"}, A], None, {}, ["a" + END], ["empty_turn", "key_not_written"]),
    ("sharegpt's function_call", "tools", {"conversations": [{"from": "human", "value": "q"}, {"from": "function_call", "value": '{"name": "w", "arguments": {"z": 1}}'}, {"from": "observation", "value": "r"}, {"from": "gpt", "value": "a"}]}, [Q, answer("", tool_calls=[{"type": "function", "function": {"name": "w", "arguments": {"z": 1}}}]), {"role": "tool", "content": "r"}, A], None, {}, ['<call>w({"z": 1})</call>' + END, "a" + END], []),
    ("tools column", "tools", {"messages": [Q, A], "tools": [TOOL]}, [Q, A], [TOOL], {}, ["a" + END], []),
    ("tools column as text", "tools", {"messages": [Q, A], "tools": json.dumps([TOOL])}, [Q, A], [TOOL], {}, ["a" + END], []),
    ("tools column empty", "tools", {"messages": [Q, A], "tools": ""}, [Q, A], None, {}, ["a" + END], []),
    ("tools that are not written", "text", {"messages": [Q, A], "tools": [TOOL]}, [Q, A], [TOOL], {}, ["a" + END], ["column_not_written"]),
    ("reasoning", "tools", {"messages": [Q, answer("a", reasoning_content="r")]}, [Q, answer("a", reasoning_content="r")], None, {}, ["<think>r</think>a" + END], []),
    ("reasoning that is not written", "text", {"messages": [Q, answer("a", reasoning_content="r")]}, [Q, A], None, {}, ["a" + END], ["key_not_written"]),
    ("name", "text", {"messages": [{"role": "user", "name": "n", "content": "q"}, A]}, [Q, A], None, {}, ["a" + END], ["key_not_written"]),
    ("variables", "switch", {"messages": [Q, A], "chat_template_kwargs": {"enable_thinking": False}}, [Q, A], None, {"enable_thinking": False}, ["a" + END], []),
    # Answers that end up empty.
    ("empty answer", "text", {"messages": [Q, answer(""), user("q2"), A]}, [Q, answer(""), user("q2"), A], None, {}, ["a" + END], ["empty_turn"]),
    ("blank answer", "text", {"messages": [Q, answer(" \n"), user("q2"), A]}, [Q, answer(" \n"), user("q2"), A], None, {}, ["a" + END], ["empty_turn"]),
    # Alpaca.
    ("alpaca", "text", {"instruction": "i", "input": "", "output": "o"}, [user("i"), answer("o")], None, {}, ["o" + END], []),
    ("alpaca with everything", "text", {"system": "S", "instruction": "i", "input": "n", "output": "o", "history": [["h1", "r1"], ["h2", "r2"]]},
     [{"role": "system", "content": "S"}, user("h1"), answer("r1"), user("h2"), answer("r2"), user("i\n\nn"), answer("o")], None, {}, ["r1" + END, "r2" + END, "o" + END], []),
    ("alpaca, empty system", "text", {"system": "", "instruction": "i", "output": "o", "history": []}, [user("i"), answer("o")], None, {}, ["o" + END], ["empty_system"]),
    ("alpaca, unused field", "text", {"instruction": "i", "output": "o", "id": 7}, [user("i"), answer("o")], None, {}, ["o" + END], ["unused_field"]),
    # TRL's prompt and completion.
    ("prompt and completion", "text", {"prompt": [Q], "completion": [A]}, [Q, A], None, {}, ["a" + END], []),
    ("answers in a prompt are given", "text", {"prompt": [Q, A, user("q2")], "completion": [answer("a2")]}, [Q, A, user("q2"), answer("a2")], None, {}, ["a2" + END], []),
    ("prompt and completion with tools", "tools", {"prompt": [Q], "completion": [answer("", tool_calls=[CALL])], "tools": [TOOL]}, [Q, answer("", tool_calls=[CALL])], [TOOL], {}, ['<call>w({"z": 1, "a": "é"})</call>' + END], []),
    # The template's own marks.
    ("generation", "generation", {"messages": [Q, A, user("q2"), answer("a2")]}, [Q, A, user("q2"), answer("a2")], None, {}, ["a" + END + "\n", "a2" + END + "\n"], []),
]


def main():
    cases = []
    for name, template, record, messages, tools, variables, trained, findings in CASES:
        marked = template == "generation"
        texts, spans = render_jinja_template([messages], tools=tools, chat_template=TEMPLATES[template], return_assistant_tokens_mask=marked, **variables)
        if marked and "turn_not_trained" not in findings:
            assert [texts[0][a:b] for a, b in spans[0]] == trained, (name, spans)
        at = 0
        for piece in trained:  # they are there, in this order
            at = texts[0].index(piece, at) + len(piece)
        cases.append({"name": name, "template": template, "record": record, "text": texts[0], "trained": trained, "findings": findings})
    out = {"templates": TEMPLATES, "cases": cases}
    (HERE / "conversations.json").write_text(json.dumps(out, ensure_ascii=False, indent=1) + "\n")
    print(len(cases), "cases")


if __name__ == "__main__":
    main()
