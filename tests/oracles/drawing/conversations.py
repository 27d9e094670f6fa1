"""Random texts, a tokenizer for them, chat templates and conversations."""

import random

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

WORDS = ("the lamp of a tower stood over grey water and she counted every step twice before morning came; "
         "naïve façade 42 %d {x} <b> ünï 😀 don't it's 3.14 -7").split(" ")
SPECIALS = ["<|bos|>", "<|eos|>", "<|im_start|>", "<|im_end|>", "<|pad|>", "<start_of_turn>", "<end_of_turn>", "[INST]",
            "[/INST]"]


def some_text(rng, words):
    return "".join(rng.choice(WORDS) + rng.choice([" "] * 8 + ["\n", "  ", ", "]) for _ in range(words)).strip() or "x"


def make_tokenizer(folder):
    """One tokenizer for all tries: byte-level BPE with special tokens."""
    rng = random.Random(1)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=420, special_tokens=SPECIALS, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator([some_text(rng, 400) for _ in range(20)], trainer)
    tokenizer.post_processor = processors.TemplateProcessing(single="<|bos|> $A", special_tokens=[("<|bos|>", 0)])
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<|bos|>", eos_token="<|eos|>", pad_token="<|pad|>",
                                   clean_up_tokenization_spaces=False)
    fast.save_pretrained(folder)
    return len(fast)


def draw_template(rng):
    begin, end = rng.choice([("<|im_start|>{}\n", "<|im_end|>"), ("<start_of_turn>{}\n", "<end_of_turn>"), ("[INST]{}[/INST] ", "<|eos|>"),
                             ("### {}: ", "<|eos|>"), ("{}> ", "\n\n")])
    head = "'" + begin.replace("\n", "\\n").replace("{}", "' + message['role'] + '") + "'"
    tail = "'" + end.replace("\n", "\\n") + "'"
    after = rng.choice(["", "{{ '\\n' }}", "\n\n"])
    dash = rng.choice(["", "-"])
    body = rng.choice(["message['content']", "message.content | trim", "message.content"])
    start = rng.choice(["", "{{ bos_token }}", "{{- bos_token -}}"])
    return (f"{start}{{% for message in messages %}}{{{{ {head} }}}}"
            f"{{%{dash} if message['role'] == 'assistant' {dash}%}}{{% generation %}}{{{{ {body} + {tail} }}}}"
            f"{{% endgeneration %}}{{%{dash} else {dash}%}}{{{{ {body} + {tail} }}}}{{% endif %}}{after}{{% endfor %}}"
            f"{{% if add_generation_prompt %}}{{{{ {head.replace(chr(109) + 'essage[' + chr(39) + 'role' + chr(39) + ']', chr(39) + 'assistant' + chr(39))} }}}}{{% endif %}}")


def draw_conversation(rng):
    messages = [{"role": "system", "content": some_text(rng, 4)}] if rng.random() < 0.4 else []
    for _ in range(rng.randrange(1, 4)):
        messages.append({"role": "user", "content": some_text(rng, rng.randrange(1, 12))})
        messages.append({"role": "assistant", "content": some_text(rng, rng.randrange(1, 12))})
    return messages
