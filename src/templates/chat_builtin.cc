#include "templates/chat_builtin.h"

namespace lq {
namespace {

// Formats: Meta's llama (chat_completion), Llama 3's model card, OpenAI's ChatML, Hugging Face's
// zephyr-7b-beta, Mistral's reference tokenizer (v1/v2), Stanford's Alpaca and LMSYS's Vicuna 1.1. Roles that
// a format has no place for are refused, except that Mistral's system message goes before the first question,
// as its successors do.
constexpr BuiltinTemplate kTemplates[] = {
    {"llama-2",
     "{% set ns = namespace(system='', turn=0) %}"
     "{% for m in messages %}"
     "{% if m['role'] == 'system' and loop.first %}{% set ns.system = '<<SYS>>\\n' + m['content'] + "
     "'\\n<</SYS>>\\n\\n' %}"
     "{% elif m['role'] == ('user' if ns.turn % 2 == 0 else 'assistant') %}"
     "{% if m['role'] == 'user' %}{{ bos_token + '[INST] ' + (ns.system + m['content']).strip() + ' [/INST]' "
     "}}"
     "{% else %}{{ ' ' + m['content'].strip() + ' ' + eos_token }}{% endif %}"
     "{% set ns.system = '' %}{% set ns.turn = ns.turn + 1 %}"
     "{% else %}{{ raise_exception('roles should be user, assistant, user, ..., after at most one system "
     "message') }}"
     "{% endif %}{% endfor %}"},
    {"llama-3",
     "{{ bos_token }}{% for m in messages %}"
     "{{ '<|start_header_id|>' + m['role'] + '<|end_header_id|>\\n\\n' + m['content'] | trim + '<|eot_id|>' "
     "}}"
     "{% endfor %}"
     "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}"},
    {"chatml",
     "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>\\n' }}{% "
     "endfor %}"
     "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"},
    {"zephyr",
     "{% for m in messages %}{% if m['role'] in ['user', 'system', 'assistant'] %}"
     "{{ '<|' + m['role'] + '|>\\n' + m['content'] + eos_token + '\\n' }}"
     "{% else %}{{ raise_exception('roles should be system, user and assistant') }}{% endif %}{% endfor %}"
     "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}"},
    {"mistral",
     "{{ bos_token }}{% set ns = namespace(system='', turn=0) %}"
     "{% for m in messages %}"
     "{% if m['role'] == 'system' and loop.first %}{% set ns.system = m['content'] + '\\n\\n' %}"
     "{% elif m['role'] == ('user' if ns.turn % 2 == 0 else 'assistant') %}"
     "{% if m['role'] == 'user' %}{{ '[INST] ' + ns.system + m['content'] + ' [/INST]' }}"
     "{% else %}{{ m['content'] + eos_token }}{% endif %}"
     "{% set ns.system = '' %}{% set ns.turn = ns.turn + 1 %}"
     "{% else %}{{ raise_exception('roles should be user, assistant, user, ..., after at most one system "
     "message') }}"
     "{% endif %}{% endfor %}"},
    {"alpaca",
     "{{ bos_token }}"
     "{% if messages and messages[0]['role'] == 'system' %}{{ messages[0]['content'] }}"
     "{% elif messages and '\\n\\n### Input:\\n' in messages[0]['content'] %}"
     "{{ 'Below is an instruction that describes a task, paired with an input that provides further context. "
     "' }}"
     "{{ 'Write a response that appropriately completes the request.' }}"
     "{% else %}{{ 'Below is an instruction that describes a task. ' }}"
     "{{ 'Write a response that appropriately completes the request.' }}{% endif %}"
     "{% for m in messages %}"
     "{% if m['role'] == 'user' %}{{ '\\n\\n### Instruction:\\n' + m['content'] }}"
     "{% elif m['role'] == 'assistant' %}{{ '\\n\\n### Response:\\n' + m['content'] + eos_token }}"
     "{% elif not (m['role'] == 'system' and loop.first) %}"
     "{{ raise_exception('roles should be user and assistant, after at most one system message') }}"
     "{% endif %}{% endfor %}"
     "{% if add_generation_prompt %}{{ '\\n\\n### Response:\\n' }}{% endif %}"},
    {"vicuna",
     "{{ bos_token }}"
     "{% if messages and messages[0]['role'] == 'system' %}{{ messages[0]['content'] }}"
     "{% else %}{{ 'A chat between a curious user and an artificial intelligence assistant. ' }}"
     "{{ \"The assistant gives helpful, detailed, and polite answers to the user's questions.\" }}{% endif %}"
     "{% set ns = namespace(gap=' ') %}"
     "{% for m in messages %}"
     "{% if m['role'] == 'user' %}{{ ns.gap + 'USER: ' + m['content'] }}{% set ns.gap = ' ' %}"
     "{% elif m['role'] == 'assistant' %}{{ ' ASSISTANT: ' + m['content'] + eos_token }}{% set ns.gap = '' %}"
     "{% elif not (m['role'] == 'system' and loop.first) %}"
     "{{ raise_exception('roles should be user and assistant, after at most one system message') }}"
     "{% endif %}{% endfor %}"
     "{% if add_generation_prompt %}{{ ' ASSISTANT:' }}{% endif %}"},
};

}  // namespace

std::span<const BuiltinTemplate> builtin_templates() { return kTemplates; }

}  // namespace lq
