#!/usr/bin/env python3
# requirements: transformers==5.24.0 jinja2==3.1.6
"""Makes templates/jinja.json and templates/masks.json: what Jinja2 with transformers' settings gives for small templates that
are written here, by the part of our Jinja that they exercise, and the parts of conversations that {% generation %} encloses.

    python3 tests/goldens/make_template_goldens.py
"""
import json
from datetime import datetime
from pathlib import Path

import transformers.utils.chat_template_utils as utils

HERE = Path(__file__).resolve().parent
NOW = datetime(2026, 3, 5, 14, 7, 9)


class FixedClock(datetime):
    @classmethod
    def now(cls, tz=None):
        return NOW


VARIABLES = {
    "text": "  Ünï code's <b>bold</b> & \"quoted\"\tline\nsecond line  ",
    "word": "straße",
    "greek": "ΌΣΟΣ ΣΑΣ",
    "n": 7, "m": -3, "x": 2.5, "big": 1e22, "small": 1.5e-7, "yes": True, "no": False, "nothing": None,
    "list": [3, 1, 2], "texts": ["b", "A", "c", "a"], "empty": [], "nested": [[1, 2], [3]],
    "map": {"b": 1, "a": 2, "items": 3, "é": None}, "none_map": {},
    "rows": [{"name": "Zoe", "age": 30, "tags": ["x"], "in": {"k": 1}}, {"name": "adam", "age": 25, "tags": [], "in": {"k": 2}},
             {"name": "Bob", "age": 30, "in": {"k": 1}}],
    "deep": {"type": "object", "properties": {"city": {"type": "string", "enum": ["a\"b", "ü\u2028😀\u0001\u007f"]}}, "n": [1, 2.0, 1e-9, True, None, {}, []]},
    "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "one?"}, {"role": "assistant", "content": "two."}],
}

GROUPS = {
    "expressions": [
        "{{ 1 + 2 * 3 - 4 / 2 }}|{{ 7 // 2 }}|{{ -7 // 2 }}|{{ -7 % 3 }}|{{ 7 % -3 }}|{{ 2 ** 10 }}|{{ 2 ** -1 }}|{{ 7.5 // 2 }}|{{ -7.5 % 2 }}",
        "{{ 1 < 2 < 3 }}|{{ 1 < 3 < 2 }}|{{ 3 > 2 == 2 }}|{{ 1 == 1.0 }}|{{ true == 1 }}|{{ 'a' < 'b' }}|{{ [1, 2] < [1, 3] }}|{{ 'a' != 1 }}",
        "{{ not yes or no }}|{{ nothing or 'x' }}|{{ 0 and 1 }}|{{ '' or none }}|{{ not not n }}|{{ not n in list }}|{{ n not in list }}",
        "{{ 'a' if yes }}|{{ 'a' if no }}|{{ 'a' if no else 'b' if no else 'c' }}|{{ ('a' if no) is defined }}",
        "{{ 'a' ~ 1 ~ 2.0 ~ none ~ true ~ [1] }}|{{ 'a' 'b' }}|{{ 'ab' * 2 }}|{{ [1] * 2 + [2] }}|{{ (1, 2) + (3,) }}",
        "{{ -n }}|{{ +n }}|{{ -x }}|{{ -yes }}|{{ - 2 | abs }}|{{ -2 ** 2 }}",
        "{{ 1_000 }}|{{ 0xff }}|{{ 0o17 }}|{{ 0b101 }}|{{ 1.5 }}|{{ 1e3 }}|{{ 1.5e-7 }}|{{ 2E2 }}",
        "{{ 1, 2 }}|{{ (1,) }}|{{ () }}|{{ [1, 'a', none, true, 2.0] }}|{{ {'a': 1, 2: 'b', none: [] } }}|{{ {1: 'x'}[true] }}",
        "{{ list[0] }}|{{ list[-1] }}|{{ list[5] is defined }}|{{ map['a'] }}|{{ map.a }}|{{ map['x'] is defined }}|{{ text[2] }}|{{ list.0 }}|{{ nested[0][1] }}",
        "{{ list[1:] }}|{{ list[:-1] }}|{{ list[::2] }}|{{ list[::-1] }}|{{ list[2:0:-1] }}|{{ list[-2:] }}|{{ list[10:] }}|{{ list[:-10] }}|{{ list[none:none:none] }}",
        "{{ word[1:4] }}|{{ word[::-1] }}|{{ word[-3:] }}|{{ greek[::2] }}|{{ word[4] }}|{{ word[-1] }}|{{ word[99] }}|{{ list[-10:2] }}|{{ list[5:-9:-1] }}",
        "{{ missing }}|{{ missing is defined }}|{{ missing == other }}|{{ missing | default('d') }}|{{ rows[0].zip is undefined }}|{{ missing or 'x' }}",
        "{{ missing.member }}", "{{ missing['member'] }}", "{{ missing() }}", "{{ missing + 1 }}", "{{ none + 'a' }}", "{{ 1 + 'a' }}", "{{ none in 'a' }}",
        "{{ 1 in none }}", "{{ none < 1 }}", "{{ 1 / 0 }}", "{{ 5 % 0 }}", "{{ n.member is defined }}|{{ none.x is defined }}|{{ n['x'] is defined }}", "{{ n.x.y }}",
        "{{ map.items() | list }}|{{ map['items'] }}|{{ map.get('zip') }}|{{ map.get('zip', 5) }}|{{ map.keys() | list }}|{{ map.values() | list }}|{{ map.copy() }}",
        "{{ map.items is callable }}|{{ map.update is defined }}|{{ list.append is defined }}|{{ word.__class__ is defined }}",
        "{{ list.append(4) }}", "{{ map.update({'x': 1}) }}", "{{ map.pop('a') }}", "{{ 'a' is foo }}", "{{ 'a' | foo }}",
        "{{ 'x' in missing }}|{{ 'a' in 'cat' }}|{{ 'a' in map }}|{{ 2 in list }}|{{ 2.0 in list }}|{{ none in [none] }}|{{ '' in 'a' }}",
        "{% if a.b is defined %}x{% endif %}", "{{ rows[0]['in'].k }}|{{ rows[0].in.k }}", "{{ yes is true and no is false }}|{{ n is true }}",
        "{{ namespace(a=1, b='x').a }}|{{ dict(a=1, **{'b': 2}) }}|{{ dict([('a', 1)], c=3) }}|{{ dict(map, b=9) }}|{{ range(*[1, 7, 2]) | list }}",
        "{{ range(3) | list }}|{{ range(3, 0, -1) | list }}|{{ range(2, 2) | list }}|{{ range(5)[1] }}|{{ range(5) | length }}|{{ range(5)[1:3] | list }}|{{ 3 in range(5) }}",
        "{{ big }}|{{ small }}|{{ 1e15 }}|{{ 1e16 }}|{{ 123456789.123 }}|{{ 0.1 + 0.2 }}|{{ 100.0 }}|{{ 1e-4 }}|{{ 1e-5 }}|{{ 5 / 2 }}|{{ 4 / 2 }}",
        "{{ ('a') }}|{{ ((1)) }}|{{ 'it''s' }}|{{ \"it's\" }}|{{ ['it\\'s', 'say \"x\"', 'both \\' \"'] }}|{{ ['\\x00\\x7f\\u00a0\\u200b\\n\\t\\\\é😀'] }}",
        "{{ (messages | selectattr('role', 'equalto', 'user') | list)[0].content }}|{{ messages[1:][0]['role'] }}",
        "{{ raise_exception('no ' ~ n) }}", "{{ strftime_now('%Y-%m-%d %H:%M:%S|%d %B %Y|%b %a %A|%j|%-d|%%') }}",
    ],
    "statements": [
        "{% for i in list %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.depth }}{{ loop.depth0 }} {% endfor %}",
        "{% for i in list %}{{ loop.previtem is defined }}{{ loop.previtem }}-{{ loop.nextitem }}{{ loop.nextitem is defined }} {% endfor %}",
        "{% for i in texts %}{{ loop.cycle('x', 'y', 'z') }}{{ loop.changed(i | lower) }} {% endfor %}",
        "{% for k, v in map.items() %}{{ k }}={{ v }};{% endfor %}{% for k in map %}{{ k }}{% endfor %}{% for c in word %}{{ c }}.{% endfor %}",
        "{% for i in empty %}x{% else %}none{% endfor %}{% for i in missing %}x{% else %}gone{% endfor %}{% for i in list if i > 5 %}x{% else %}small{% endfor %}",
        "{% for i in list if i != 1 %}{{ loop.index }}:{{ i }}/{{ loop.length }} {% endfor %}",
        "{% for i in range(9) %}{% if i == 2 %}{% continue %}{% endif %}{% if i > 4 %}{% break %}{% endif %}{{ i }}{% endfor %}",
        "{% for a, (b, c) in [(1, (2, 3)), (4, [5, 6])] %}{{ a }}{{ b }}{{ c }} {% endfor %}", "{% for a, b in list %}{% endfor %}", "{% for i in 5 %}{% endfor %}", "{% for i in none %}{% endfor %}",
        "{% set x = 1 %}{% for i in list %}{{ x }}{% set x = i %}{{ x }} {% endfor %}{{ x }}",
        "{% set ns = namespace(n=0, l=[]) %}{% for i in list %}{% set ns.n = ns.n + i %}{% set ns.l = ns.l + [i] %}{% endfor %}{{ ns.n }}{{ ns.l }}{{ ns.zip is defined }}",
        "{% set x = 1 %}{% set x.y = 2 %}", "{% set a, b = 1, 2 %}{{ a }}{{ b }}{% set a, b = b, a %}{{ a }}{{ b }}",
        "{% set x %}  a {{ n }}\n{% endset %}[{{ x }}]{% set y | trim | upper %} b {{ n }} {% endset %}[{{ y }}]{% set y %}{% set inner = 1 %}{% endset %}{{ inner is defined }}",
        "{% macro m(a, b='B', c=a) %}{{ a }}{{ b }}{{ c }};{% endmacro %}{{ m(1) }}{{ m(1, 2) }}{{ m(1, c=3) }}{{ m(b=5, a=4) }}{{ m() }}{{ m.name }}",
        "{% macro m(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, 3, x=4) }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}", "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, x=2) }}",
        "{% macro m(x) %}{{ x }}{% if x > 0 %}{{ m(x - 1) }}{% endif %}{% endmacro %}{{ m(3) }}",
        "{% set g = 1 %}{% macro m() %}{{ g }}{% set l = 2 %}{% endmacro %}{{ m() }}{% set g = 5 %}{{ m() }}{{ l is defined }}{% for i in list %}{% set g = i %}{{ m() }}{% endfor %}",
        "{% macro box(t) %}<{{ t }}>{{ caller() }}</{{ t }}>{% endmacro %}{% call box('b') %}in{{ n }}{% endcall %}{% macro each(l) %}{% for i in l %}{{ caller(i, loop.index) }}{% endfor %}{% endmacro %}{% call(v, i) each(list) %}{{ i }}={{ v }} {% endcall %}",
        "{% macro m() %}{{ caller is defined }}{% endmacro %}{{ m() }}", "{% filter upper %}a{{ n }}b{% endfilter %}{% filter replace('a', 'b') | title %}aa ca{% endfilter %}",
        "{% with a=1, b=n %}{{ a }}{{ b }}{% set a = 2 %}{{ a }}{% endwith %}{{ a is defined }}", "{% with %}{% set z = 1 %}{{ z }}{% endwith %}{{ z is defined }}",
        "{% generation %}{% set x = 1 %}{{ x }}{{ n }}{% endgeneration %}{{ x is defined }}", "{% for m in messages %}{% if m.role == 'assistant' %}{% generation %}{{ m.content }}{% endgeneration %}{% else %}{{ m.content }}{% endif %}{% endfor %}",
        "{% for i in nested recursive %}[{% if i is iterable %}{{ loop(i) }}{% else %}{{ i }}@{{ loop.depth }}{% endif %}]{% endfor %}", "{% for i in list %}{{ loop(i) }}{% endfor %}",
        "{% if n > 5 %}a{% elif n > 3 %}b{% else %}c{% endif %}{% if no %}a{% elif yes %}b{% else %}c{% endif %}{% if none %}a{% else %}c{% endif %}", "{% if yes %}{% set t = 1 %}{% endif %}{{ t }}",
        "{% set f = messages | selectattr('role', 'equalto', 'user') %}{{ f | list | length }}{{ f | list | length }}{% if messages | selectattr('role', 'equalto', 'nobody') %}always{% endif %}",
        "{% macro a() %}A{% endmacro %}{% set ns = namespace(f=a) %}{{ ns.f() }}{% set calls = {'a': a} %}{{ calls.a() }}{{ calls['a']() }}",
    ],
    "lexer": [
        "a\r\nb\rc\n", "a\n\n", "  {% if yes %}\n  x\n  {% endif %}\n  y", "{%- if yes -%}\n  x  {%- endif -%}  \n y", "a {#- c -#} b", "a\n  {# c #}\n  b", "  {%+ if yes %}x{% endif %}", "{% if yes +%}\n x{% endif %}",
        "{{- 1 -}}  {{ 2 }}  {{- 3 }}", "\u00a0{%- if yes %}x{% endif -%}\u2003\n y", "{% raw %}{{ x }} {% if %}{% endraw %}|{%- raw -%}  {{ y }}  {%- endraw -%}  z", "a\n  {% raw %}\n  b\n  {% endraw %}\n  c",
        r"{{ '\n|\t|\x41|\u00e9|\U0001F600|\101|\\|\'|\"|\q|\a|\0' | list | length }}", r"{{ '\n|\t|\x41|\u00e9|\U0001F600|\101|\\|\'|\"|\q' }}", "{{ 'a\\\nb' }}", "{{ {'a': {'b': 1}}['a']['b'] }}", "{{ {'a': 1}}}", "{{ '}}' }}{{ '{{' }}{% if '%}' == '%}' %}x{% endif %}",
        "{%if yes%}x{%endif%}{{1}}{{'a'}}", "{% if yes -%}\n\n  a\n\n  {%- endif %}\n\nb", "x{% if yes %}\n\n\ny{% endif %}", "{# {{ x }} {% if %} #}z", "\t {% set a = 1 %}\t\n{{ a }}",
        "{{ 'open }}", "{% if yes %}", "{{ 1 ", "{% endif %}", "{# open", "{{ a ? b }}", "{% include 'x' %}", "{% raw %}x",
    ],
    "text": [
        "{{ text.strip() }}|{{ text.lstrip() }}|{{ text.rstrip() }}|{{ 'xxaxx'.strip('x') }}|{{ 'abcab'.lstrip('ba') }}|{{ '\u00a0a\u2003'.strip() }}|{{ 'aXa'.rstrip('a') }}",
        "{{ 'a,b,,c'.split(',') }}|{{ 'a,b,,c'.split(',', 1) }}|{{ '  a  b c '.split() }}|{{ '  a  b c '.split(none, 1) }}|{{ 'a b c'.split(maxsplit=1) }}|{{ ''.split(',') }}|{{ ''.split() }}|{{ 'a--b--c'.rsplit('--', 1) }}|{{ ' a b  c '.rsplit(none, 1) }}|{{ ' a b  c '.rsplit() }}",
        "{{ 'a\\nb\\r\\nc\\x0bd'.splitlines() }}|{{ 'a\\nb\\n'.splitlines(true) }}|{{ 'a=b=c'.partition('=') }}|{{ 'a=b=c'.rpartition('=') }}|{{ 'abc'.partition('=') }}",
        "{{ 'abc'.startswith('ab') }}|{{ 'abc'.startswith(('x', 'a')) }}|{{ 'abc'.endswith('bc') }}|{{ 'abc'.endswith(('x',)) }}|{{ ''.startswith('') }}",
        "{{ 'aXbX'.replace('X', '-') }}|{{ 'aXbX'.replace('X', '', 1) }}|{{ 'ab'.replace('', '.') }}|{{ 'éa'.replace('', '.', 2) }}|{{ 'aaa'.replace('aa', 'b') }}",
        "{{ word.upper() }}|{{ greek.lower() }}|{{ word.capitalize() }}|{{ \"they're bill's\".title() }}|{{ 'ǆ ß ﬁ'.title() }}|{{ 'ß'.capitalize() }}|{{ 'İ'.lower() | length }}|{{ 'ŉ'.upper() }}|{{ 'ΑΣ.'.lower() }}|{{ 'Σ'.lower() }}",
        "{{ word | upper }}|{{ greek | lower }}|{{ 'hELLO wORLD' | capitalize }}|{{ \"they're (bill's) a-b [c] 1d\" | title }}|{{ 5 | upper }}|{{ none | lower }}|{{ missing | upper }}",
        "{{ 'abcabc'.find('c') }}|{{ 'abcabc'.rfind('c') }}|{{ 'éé1'.find('1') }}|{{ 'abc'.find('z') }}|{{ 'abcabc'.find('a', 1) }}|{{ 'abc'.index('b') }}|{{ 'banana'.count('an') }}|{{ 'aé'.count('') }}", "{{ 'abc'.index('z') }}",
        "{{ '12'.isdigit() }}{{ '1a'.isdigit() }}{{ ''.isdigit() }}{{ 'aé'.isalpha() }}{{ 'a1'.isalnum() }}{{ ' \\t'.isspace() }}{{ 'AB1'.isupper() }}{{ 'Ab'.isupper() }}{{ 'ab1'.islower() }}{{ '1'.islower() }}{{ '٣'.isdecimal() }}",
        "{{ '-'.join(['a', 'b']) }}|{{ ', '.join(texts) }}|{{ ''.join([]) }}|{{ '5'.zfill(3) }}|{{ '-5'.zfill(4) }}|{{ 'ab'.ljust(5, '.') }}|{{ 'ab'.rjust(5) }}|{{ 'ab'.center(5, '*') }}|{{ 'abc'.center(6, '*') }}|{{ 'abc'.removeprefix('a') }}|{{ 'abc'.removesuffix('bc') }}|{{ 'abc'.removesuffix('x') }}",
        "{{ ','.join([1]) }}", "{{ 'a'.split('') }}", "{{ 'a'.nothing() }}",
        "{{ text | trim }}|{{ 'xxaxx' | trim('x') }}|{{ 5 | trim }}|{{ missing | trim }}|{{ none | trim }}", "{{ 'a\\nb\\n\\nc' | indent }}|{{ 'a\\nb' | indent(2, true) }}|{{ 'a\\n\\nb' | indent(width=2, blank=true) }}|{{ 'a\\nb' | indent('> ', first=true) }}|{{ '' | indent }}|{{ 'a\\n' | indent }}",
        "{{ 'aXbX' | replace('X', '-') }}|{{ 'aXbX' | replace('X', '', 1) }}|{{ 123 | replace(2, 'x') }}", "{{ 'hello big world' | truncate(9) }}|{{ 'hello big world' | truncate(9, true) }}|{{ 'hello' | truncate(3) }}|{{ 'hello big world' | truncate(11, leeway=0, end='..') }}",
        "{{ 'a b-c d' | wordcount }}|{{ 'abc' | center(9) }}|{{ '<a href=\"x\">&\\'' | escape }}|{{ '<' | e ~ '<' }}|{{ ('<' | e) + '<' }}|{{ '<' + ('<b>' | safe) }}|{{ ('<b>' | safe) + 'x&' }}|{{ '<b>' | safe | upper }}|{{ ['<'] | join | safe }}|{{ '<b>' | safe is escaped }}|{{ '<' | e | e }}",
        "{{ 'abc' | length }}|{{ 'é😀' | length }}|{{ map | length }}|{{ missing | length }}|{{ (1, 2) | count }}", "{{ 5 | length }}", "{{ none | length }}", "{{ ['<b>' | safe] }}", "{{ 5 | string ~ 'x' }}|{{ none | string }}|{{ [1, 'a'] | string }}|{{ 'abc' | reverse }}|{{ 'aé😀' | list }}|{{ 'abc' | first }}|{{ 'abc' | last }}",
    ],
    "format": [
        "{{ '%s-%s' | format('a', 5) }}|{{ '%d%%' % 5 }}|{{ '%05.2f' % 3.14159 }}|{{ '%x %X %o' % (255, 255, 8) }}|{{ '%-5s|%5s' % ('a', 'b') }}|{{ '%(a)s %(b)05d' % {'a': 1, 'b': 2} }}|{{ '%r' % 'x' }}|{{ '%.2s' % 'abc' }}|{{ '%+d % d' % (1, 2) }}|{{ '%e' % 12345.678 }}|{{ '%g' % 0.0001 }}|{{ '%i' % 3.9 }}|{{ '%s' % [1] }}",
        "{{ '{} {}'.format('a', 1) }}|{{ '{1}{0}'.format('a', 'b') }}|{{ '{x}{y[0]}{z.k}'.format(x=1, y=[2], z={'k': 3}) if false else '' }}|{{ '{:>5}|{:<5}|{:^5}|{:*^7}'.format('a', 'b', 'c', 'd') }}|{{ '{:05d} {:+} {:,}'.format(42, 3, 1234567) }}|{{ '{:.2f} {:.1%} {:e}'.format(3.14159, 0.256, 12345.678) }}|{{ '{:x} {:#x} {:b}'.format(255, 255, 5) }}|{{ '{{}}'.format() }}|{{ '{!r:>5}'.format('a') }}",
        "{{ '{y[0]} {z[k]}'.format(y=[2], z={'k': 3}) }}|{{ '{:5}|{:5}'.format(1, 'a') }}|{{ '{}'.format(2.0) }}|{{ '{}'.format(true) }}|{{ '{:.3}'.format('abcdef') }}|{{ '{:08.3f}'.format(-3.14159) }}|{{ '{:<8}|'.format(none) if false else '' }}",
        "{{ '%s %s' % 'a' }}", "{{ '%d' % 'a' }}", "{{ '%s' % ('a', 'b') }}", "{{ '{}'.format() }}", "{{ '{x}'.format(y=1) }}", "{{ 'x%' % 1 }}",
    ],
    "lists": [
        "{{ texts | join }}|{{ texts | join(', ') }}|{{ rows | join(', ', attribute='name') }}|{{ [1, none, 'a'] | join('-') }}|{{ missing | join }}|{{ map | join }}",
        "{{ texts | sort }}|{{ texts | sort(reverse=true) }}|{{ texts | sort(case_sensitive=true) }}|{{ rows | sort(attribute='age') | map(attribute='name') | list }}|{{ rows | sort(attribute='age,name') | map(attribute='name') | list }}|{{ list | sort }}|{{ rows | sort(attribute='in.k', reverse=true) | map(attribute='name') | list }}",
        "{{ [1, 'a'] | sort }}", "{{ ['a', 'A', 'b', 'a'] | unique | list }}|{{ ['a', 'A'] | unique(case_sensitive=true) | list }}|{{ rows | unique(attribute='age') | map(attribute='name') | list }}",
        "{% for g in rows | groupby('age') %}{{ g.grouper }}:{% for r in g.list %}{{ r.name }},{% endfor %}{% endfor %}|{% for age, rs in rows | groupby('age') %}{{ age }}{{ rs | length }};{% endfor %}|{{ (rows | groupby('tags', default=[]) | list)[0][0] }}",
        "{{ map | dictsort }}|{{ {'b': 1, 'A': 2} | dictsort }}|{{ {'b': 1, 'A': 2} | dictsort(true) }}|{{ {'b': 1, 'a': 2} | dictsort(false, 'value') }}|{{ {'b': 1, 'a': 2} | dictsort(reverse=true) }}", "{{ map | items | list }}|{{ missing | items | list }}", "{{ list | items | list }}", "{{ list | dictsort }}",
        "{{ rows | map(attribute='name') | list }}|{{ rows | map(attribute='in.k') | list }}|{{ rows | map(attribute='tags', default='none') | list }}|{{ texts | map('upper') | list }}|{{ texts | map('replace', 'a', 'x') | join }}|{{ nested | map('length') | list }}|{{ nested | map('first') | list }}|{{ none | map('upper') | list }}",
        "{{ [1, 0, '', 'a', none] | select | list }}|{{ [1, 0, '', 'a', none] | reject | list }}|{{ list | select('gt', 1) | list }}|{{ list | select('odd') | list }}|{{ list | reject('equalto', 1) | list }}|{{ list | select('in', [1, 2]) | list }}|{{ texts | select('string') | list | length }}",
        "{{ rows | selectattr('tags') | map(attribute='name') | list }}|{{ rows | rejectattr('tags') | map(attribute='name') | list }}|{{ rows | selectattr('age', 'equalto', 30) | map(attribute='name') | list }}|{{ rows | selectattr('tags', 'defined') | list | length }}|{{ rows | rejectattr('in.k', 'eq', 1) | map(attribute='name') | join }}|{{ rows | selectattr('name', 'in', ['Bob']) | list | length }}",
        "{{ list | first }}|{{ list | last }}|{{ empty | first is defined }}|{{ list | min }}|{{ list | max }}|{{ texts | min }}|{{ texts | max(case_sensitive=true) }}|{{ rows | max(attribute='age') | length }}|{{ list | sum }}|{{ rows | sum(attribute='age') }}|{{ [0.5, 1] | sum(start=10) }}|{{ empty | min is defined }}",
        "{{ list | reverse | list }}|{{ range(5) | batch(2) | list }}|{{ range(5) | batch(2, 'x') | list }}|{{ (1, 2) | list }}|{{ map | list }}|{{ list | length }}|{{ rows | selectattr('age', 'gt', 26) | first | length }}|{{ list.index(2) }}|{{ [1, 1].count(1) }}",
        "{{ list | map('upper') | length }}", "{{ list | select('odd') | last }}", "{{ (list | map('string') | list) == ['3', '1', '2'] }}|{{ list == (3, 1, 2) }}|{{ [1, [2]] == [1, [2]] }}|{{ {'a': 1, 'b': 2} == {'b': 2, 'a': 1} }}",
    ],
    "values": [
        "{{ deep | tojson }}", "{{ deep | tojson(indent=2) }}", "{{ deep | tojson(ensure_ascii=true) }}", "{{ deep | tojson(sort_keys=true, indent=4) }}", "{{ map | tojson(separators=(',', ':')) }}|{{ map | tojson(indent='\\t') }}|{{ deep | tojson(indent=0) }}",
        "{{ 1 | tojson }}|{{ 'é\"' | tojson }}|{{ none | tojson }}|{{ true | tojson }}|{{ 2.0 | tojson }}|{{ big | tojson }}|{{ [] | tojson(indent=2) }}|{{ {} | tojson }}|{{ (1, 2) | tojson }}|{{ {1: 2, none: 3, true: 4} | tojson }}|{{ [[], [1]] | tojson(indent=1) }}|{{ messages | tojson }}|{{ '</script>&' | tojson }}",
        "{{ missing | tojson }}", "{{ map.items() | tojson }}", "{{ range(2) | tojson }}", "{{ {'b': 1, 2: 3} | tojson(sort_keys=true) }}",
        "{{ missing | default }}|{{ missing | d('x') }}|{{ none | default('x') }}|{{ none | default('x', true) }}|{{ '' | default('x', boolean=true) }}|{{ 0 | d(5) }}|{{ rows[0].zip | default('z') }}",
        "{{ '12' | int }}|{{ ' 12 ' | int }}|{{ '1.9' | int }}|{{ 'x' | int }}|{{ 'x' | int(5) }}|{{ 1.9 | int }}|{{ -1.9 | int }}|{{ 'ff' | int(base=16) }}|{{ '0xff' | int(0, 16) }}|{{ none | int }}|{{ true | int }}|{{ '-12' | int }}|{{ '1_000' | int }}|{{ '1e3' | int }}",
        "{{ '1.5' | float }}|{{ 'x' | float }}|{{ 'x' | float(2.5) }}|{{ 3 | float }}|{{ none | float }}|{{ '1e3' | float }}", "{{ 2.5 | round }}|{{ 3.5 | round }}|{{ 42.55 | round(1) }}|{{ 2.675 | round(2) }}|{{ 5 | round }}|{{ 2.1 | round(method='ceil') }}|{{ -2.1 | round(0, 'floor') }}|{{ 1234.5 | round(-2) }}|{{ -3 | abs }}|{{ -3.5 | abs }}", "{{ 'a' | round }}",
        "{{ map | attr('a') is defined }}|{{ map | attr('items') is callable }}", "{{ 1 is number }}{{ true is number }}{{ 1.0 is float }}{{ 1 is integer }}{{ true is integer }}{{ 'a' is string }}{{ map is mapping }}{{ list is sequence }}{{ map is sequence }}{{ 'a' is sequence }}{{ list is iterable }}{{ 5 is iterable }}{{ missing is iterable }}{{ none is none }}{{ map.items() is sequence }}{{ list | map('string') is iterable }}",
        "{{ 3 is odd }}{{ 4 is even }}{{ 6 is divisibleby 3 }}{{ 6 is divisibleby(4) }}{{ 1 is eq 1 }}{{ 1 is ne 1 }}{{ 1 is lt 2 }}{{ 2 is ge 2 }}{{ 1 is in [1] }}{{ 1 is not in [1] }}{{ 'a' is lower }}{{ 'A' is upper }}{{ list is sameas list }}{{ 1 is sameas true }}{{ yes is boolean }}{{ 0 is boolean }}{{ 'upper' is filter }}{{ 'odd' is test }}{{ 'x' is test }}{{ range is callable }}{{ 5 is callable }}{{ 'ab' is equalto 'ab' }}{{ 1 is greaterthan 0 }}{{ 2 is lessthan 1 }}{{ 1 is not none }}",
    ],
}

# Each is rendered over the conversation; what {% generation %} encloses is what transformers tells.
MASK_TEMPLATES = {
    "tags": "{% for m in messages %}<{{ m.role }}>{% if m.role == 'assistant' %}{% generation %}{{ m.content }}<end>{% endgeneration %}{% else %}{{ m.content }}<end>{% endif %}\n{% endfor %}",
    "tags with calls": "{%- for m in messages %}\n{%- if m.role == 'assistant' %}\n{{- '<a>' }}\n{%- generation %}\n{{- m.content }}\n{%- for t in m.tool_calls or [] %}\n{{- t | tojson }}\n{%- endfor %}\n{{- '<end>' }}\n{%- endgeneration %}\n{%- else %}\n{{- '<' + m.role + '>' + m.content }}\n{%- endif %}\n{%- endfor %}",
    "tags around nothing": "{% for m in messages %}{% if m.role == 'assistant' %}{% generation %}{% endgeneration %}{{ m.content }}{% endif %}{% endfor %}",
}
MASK_TALKS = [
    [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}],
    [{"role": "system", "content": "ü"}, {"role": "user", "content": "q"}, {"role": "assistant", "content": "ä 1"}, {"role": "user", "content": "r"},
     {"role": "assistant", "content": "", "tool_calls": [{"name": "f", "arguments": {"b": 1, "a": "é"}}]}],
    [{"role": "user", "content": "q"}],
]


def main():
    utils.datetime = FixedClock
    out = {"variables": VARIABLES, "now": [NOW.year, NOW.month, NOW.day, NOW.hour, NOW.minute, NOW.second], "groups": {}}
    for group, templates in GROUPS.items():
        cases = out["groups"][group] = []
        for template in templates:
            try:
                cases.append({"template": template, "text": utils._compile_jinja_template(template).render(**VARIABLES)})
            except Exception as e:  # jinja2's own, and Python's inside the template
                cases.append({"template": template, "refused": f"{type(e).__name__}: {e}"})
    (HERE / "templates" / "jinja.json").write_text(json.dumps(out, ensure_ascii=False, indent=1) + "\n")
    masks = []
    for name, template in MASK_TEMPLATES.items():
        for talk in MASK_TALKS:
            text, spans = utils._render_with_assistant_indices(utils._compile_jinja_template(template), messages=talk, tools=None, documents=None, add_generation_prompt=False)
            spans = [[len(text[:b].encode()), len(text[:e].encode())] for b, e in spans if b < e]
            masks.append({"name": name, "template": template, "messages": talk, "text": text, "spans": spans})
    (HERE / "templates" / "masks.json").write_text(json.dumps(masks, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
