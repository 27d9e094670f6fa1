#!/usr/bin/env python3
"""Makes chat_templates.json: what transformers' apply_chat_template gives for templates of the known families, written
here, for templates that exercise our Jinja, and (texts only) for the templates of ../shared/data/tokenizers.

    python3 tests/goldens/make_chat_goldens.py [--data ../shared/data]
"""
import argparse
import json
from pathlib import Path

from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

HERE = Path(__file__).resolve().parent
ALTERNATE = ("{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
             "{{ raise_exception('user and assistant should take turns') }}{% endif %}")
SYSTEM_FIRST = ("{% if messages[0]['role'] == 'system' %}{% set rest = messages[1:] %}{% set system = messages[0]['content'] %}"
                "{% else %}{% set rest = messages %}{% set system = false %}{% endif %}")

# name of the built-in with the same text -> one way to write it in Jinja.
FAMILIES = {
    "llama-2": SYSTEM_FIRST + "{% for message in rest %}" + ALTERNATE +
               "{% if loop.index0 == 0 and system != false %}{% set text = '<<SYS>>\\n' + system + '\\n<</SYS>>\\n\\n' + message['content'] %}"
               "{% else %}{% set text = message['content'] %}{% endif %}"
               "{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + text.strip() + ' [/INST]' }}"
               "{% elif message['role'] == 'assistant' %}{{ ' ' + text.strip() + ' ' + eos_token }}{% endif %}{% endfor %}",
    "llama-3": "{% for message in messages %}{% set text = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n' + message['content'] | trim + '<|eot_id|>' %}"
               "{% if loop.index0 == 0 %}{% set text = bos_token + text %}{% endif %}{{ text }}{% endfor %}"
               "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}",
    "chatml": "{%- for message in messages -%}\n  {{ '<|im_start|>' ~ message.role ~ '\n' ~ message.content ~ '<|im_end|>' }}\n{% endfor %}\n"
              "{%- if add_generation_prompt is defined and add_generation_prompt -%}\n{{ '<|im_start|>assistant\n' }}{% endif %}",
    "zephyr": "{% for message in messages %}\n{% if message['role'] == 'user' %}\n{{ '<|user|>\n' + message['content'] + eos_token }}\n"
              "{% elif message['role'] == 'system' %}\n{{ '<|system|>\n' + message['content'] + eos_token }}\n"
              "{% elif message['role'] == 'assistant' %}\n{{ '<|assistant|>\n' + message['content'] + eos_token }}\n{% endif %}\n"
              "{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}\n",
    "mistral": "{{ bos_token }}" + SYSTEM_FIRST + "{% for message in rest %}" + ALTERNATE +
               "{% if message['role'] == 'user' %}{{ '[INST] ' + (system + '\\n\\n' if loop.first and system else '') + message['content'] + ' [/INST]' }}"
               "{% else %}{{ message['content'] + eos_token }}{% endif %}{% endfor %}",
    "vicuna": SYSTEM_FIRST + "{{ bos_token }}{% if system %}{{ system }}{% else %}{{ \"A chat between a curious user and an artificial intelligence assistant. "
              "The assistant gives helpful, detailed, and polite answers to the user's questions.\" }}{% endif %}"
              "{% for message in rest %}{% if message['role'] == 'user' %}{{ ('' if loop.previtem is defined and loop.previtem.role == 'assistant' else ' ') + 'USER: ' + message['content'] }}"
              "{% elif message['role'] == 'assistant' %}{{ ' ASSISTANT: ' + message['content'] + eos_token }}"
              "{% else %}{{ raise_exception('no place for this role') }}{% endif %}{% endfor %}"
              "{% if add_generation_prompt %}{{ ' ASSISTANT:' }}{% endif %}",
    "alpaca": SYSTEM_FIRST + "{{ bos_token + (system if system else 'Below is an instruction that describes a task. Write a response that appropriately completes the request.') }}"
              "{% for message in rest %}{% if message['role'] == 'user' %}{{ '\\n\\n### Instruction:\\n' + message['content'] }}"
              "{% else %}{{ '\\n\\n### Response:\\n' + message['content'] + eos_token }}{% endif %}{% endfor %}"
              "{% if add_generation_prompt %}{{ '\\n\\n### Response:\\n' }}{% endif %}",
}
# Constructs.
CUSTOM = [
    "{# a comment #}\n  {% set ns = namespace(n=0, seen=[]) %}\n{% for m in messages if m.role != 'system' %}\n"
    "  {%- set ns.n = ns.n + 1 -%}\n  {% set ns.seen = ns.seen + [m.role] %}\n[{{ loop.index }}/{{ loop.length }} {{ m.role | upper }}]{{ m.content }}\n{% else %}\nnobody\n{% endfor %}\n{{ ns.n }} {{ ns.seen | join('+') }}{{ '' if not ns.seen else ns.seen[-1] }}\n",
    "{{ messages[::-1][0]['content'] }}|{{ messages[-1:] | length }}|{{ messages[0].nothing is defined }}|{{ none is none }}|{{ (1, 2)[1] }}|{{ 7 // 2 }}|{{ -7 % 3 }}|{{ 3 * 4 - 2 }}|{{ 'a' in 'cat' }}|{{ 'x' not in ['y'] }}|{{ true }}|{{ messages[0]['tools'] | default('none') }}",
    "{% for m in messages %}{% if m['content'] is string and m['content'] | length > 3 and not m['content'].startswith('x') %}{{ m['content'].split(' ')[0] }}{% elif loop.first or loop.last %}<{{ m['content'] }}>{% else %}-{% endif %}{% endfor %}",
    "{%- if messages[0]['role'] == 'system' %}\n    {{- '<s>' + messages[0]['content'] + '\\n' }}\n{%- endif %}\n{%- for m in messages %}\n    {%- if m.role == 'assistant' %}\n        {%- set body = m.content %}\n        {%- if '</think>' in body %}\n            {%- set body = body.split('</think>')[-1].lstrip('\\n') %}\n        {%- endif %}\n        {{- '<a>' + body + eos_token }}\n    {%- else %}\n        {{- '<' + m.role[0:1] + '>' if false else '<u>' }}{{ m.content.strip() }}\n    {%- endif %}\n{%- endfor %}\n",
    "{% for m in messages %}{{ loop.index0 }}{{ {'a': m.role, 'b': 2}['a'] }}{{ m.content | replace('o', '0') | capitalize }}{{ '%d' if false }}{% if loop.index0 == 1 %}{% break %}{% endif %}\n{% endfor %}",
    "{% set x = 'é\\t\\x41\\u00df' 'joined' %}{{ x }}{{ \"it's\" ~ 1 ~ 2.5 ~ none ~ [1, 'a'] | length }} {{- '  y  ' | trim }}  {% if 1 < 2 %}\n  lines\n  {% endif %}\nend\n",
]
TALKS = [
    [("user", "Hello there")],
    [("user", " spaces around "), ("assistant", " An answer. "), ("user", "more\nlines")],
    [("system", "Be brief."), ("user", "one two"), ("assistant", "x three"), ("user", "four"), ("assistant", "</think>\n\nfive <|x|> ünï")],
    [("assistant", "first?")],
    [("user", "a"), ("user", "b")],
    [("tool", "odd role")],
    [],
]


def render(template, messages, prompt):
    t = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE()), bos_token="<s>", eos_token="</s>")
    try:
        return t.apply_chat_template(messages, chat_template=template, tokenize=False, add_generation_prompt=prompt)
    except Exception as e:  # jinja2's and transformers' own: a refusal
        return {"refused": str(e)}


def case(name, template, keep=True):
    items = []
    for talk in TALKS:
        messages = [{"role": r, "content": c} for r, c in talk]
        for prompt in (False, True):
            items.append({"messages": messages, "prompt": prompt, "text": render(template, messages, prompt) if messages else None})
    return {"name": name, "template": template if keep else None, "talks": [i for i in items if i["text"] is not None]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    args = parser.parse_args()
    cases = [case(n, t) for n, t in FAMILIES.items()] + [case("custom", t) for t in CUSTOM]
    shared = []
    for name in ("qwen2", "tinyllama"):
        if args.data:
            config = json.loads((args.data / "tokenizers" / name / "tokenizer_config.json").read_text())
            shared.append(case(name, config["chat_template"], keep=False))
    (HERE / "chat_templates.json").write_text(json.dumps({"cases": cases, "shared": shared}, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
