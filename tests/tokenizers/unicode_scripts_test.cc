#include "tokenizers/unicode_scripts.h"

#include <gtest/gtest.h>

#include <set>

namespace lq::tokenizers {
namespace {

TEST(UnicodeScripts, ScriptsOfCharacters) {
  EXPECT_EQ(script_of(' '), kAnyScript);
  EXPECT_EQ(script_of('a'), script_of(U'é'));
  EXPECT_NE(script_of('a'), script_of(U'я'));
  EXPECT_EQ(script_of(U'カ'), script_of(U'中'));
}

TEST(UnicodeScripts, EachAlphabetIsOneOfItsOwn) {
  const std::set<int> scripts = {script_of('a'),    script_of(U'α'),  script_of(U'я'),  script_of(U'中'),
                                 script_of(0xAC00), script_of(0x5D0), script_of(0x627), script_of(0x905)};
  EXPECT_EQ(scripts.size(), 8U);
  EXPECT_FALSE(scripts.contains(kAnyScript));
}

TEST(UnicodeScripts, KanaCountAsHan) {
  for (const char32_t c : {0x3042, 0x30AB, 0x30FC}) {  // hiragana, katakana, and the mark of a long vowel
    EXPECT_EQ(script_of(c), script_of(U'中')) << static_cast<std::uint32_t>(c);
  }
}

TEST(UnicodeScripts, WhatManyScriptsShareIsAScriptToo) {
  const int common = script_of('0');
  EXPECT_NE(common, kAnyScript);
  for (const char32_t c : {'.', '!', '[', '\n', '9'})
    EXPECT_EQ(script_of(c), common) << static_cast<std::uint32_t>(c);
  EXPECT_NE(script_of(0x301), common) << "an accent takes the script of its letter: inherited";
  EXPECT_NE(script_of(0x301), script_of('a'));
}

TEST(UnicodeScripts, RunsEndWhereTheyShould) {
  EXPECT_EQ(script_of('A'), script_of('Z'));
  EXPECT_NE(script_of('@'), script_of('A'));
  EXPECT_NE(script_of('['), script_of('Z'));
}

TEST(UnicodeScripts, NobodysCharactersAreOfAny) {
  EXPECT_EQ(script_of(0x378), kAnyScript);
  EXPECT_EQ(script_of(0x10FFFF), kAnyScript);
}

}  // namespace
}  // namespace lq::tokenizers
