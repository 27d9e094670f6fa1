// A tokenizer put together from parts; whole files against the library: tests/tokenizers/tokenizer_test.cc.
#include "tokenizers/hf_tokenizer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/io_test_util.h"
#include "tokenizers/made_files.h"
#include "tokenizers/word_piece.h"

namespace lq::tokenizers {
namespace {

// Words between white space are tokens with the ids 0, 1, 2, ...; the first should be "<unk>".
HfParts word_parts(const std::vector<std::string>& pieces) {
  HfParts parts;
  parts.kind = "words";
  parts.model = std::make_unique<WordLevelModel>(made::vocab(pieces), "<unk>", "f");
  parts.pre = make_pre_tokenizer({{"type", "WhitespaceSplit"}}, false, "f");
  return parts;
}

// Ids 0, 1 and 4.
HfParts parts_with_holes() {
  struct Holes final : WordModel {
    Holes() { vocab_.build({{"<unk>", 0}, {"a", 1}, {"b", 4}}, "f"); }
    void encode(std::string_view word, WordScratch&, std::vector<std::int32_t>& out) const override {
      out.push_back(vocab_.find(word));
    }
  };
  HfParts parts;
  parts.model = std::make_unique<Holes>();
  return parts;
}

AddedToken token_to_add(std::string content, bool special, bool normalized = false) {
  AddedToken token;
  token.content = std::move(content);
  token.special = special;
  token.normalized = normalized;
  return token;
}

TEST(HfTokenizer, AddedTokensAreThoseOfAllFilesByTheirIds) {
  HfParts parts = word_parts({"<unk>", "<s>", "a"});
  parts.added = {token_to_add("<tool>", false), token_to_add("<s>", true)};
  TokenizerConfig config;
  config.special = {token_to_add("<unk>", true), token_to_add("<tool>", true)};
  const std::vector<AddedToken> added = HfTokenizer(std::move(parts), config, "f").added_tokens();
  ASSERT_EQ(added.size(), 3U);
  EXPECT_EQ(added[0].content, "<unk>");
  EXPECT_EQ(added[1].content, "<s>");
  EXPECT_EQ(added[2].content, "<tool>");
  EXPECT_EQ(added[2].id, 3);
  EXPECT_FALSE(added[2].special) << "what tokenizer.json says of it counts";
}

TEST(HfTokenizer, EveryPartHasItsTurn) {
  HfParts parts = word_parts({"<unk>", "<s>", "</s>", "hello", "world", "\uFFFD\uFFFD"});
  parts.normalizer = make_normalizer({{"type", "Lowercase"}}, "f");
  parts.decoder = make_decoder({{"type", "Replace"}, {"pattern", {{"String", "l"}}}, {"content", "L"}}, "f");
  parts.post = bert_post_processor(1, 2);
  const HfTokenizer t(std::move(parts), {}, "f");
  EXPECT_EQ(t.kind(), "words");
  EXPECT_EQ(t.encode(" Hello\nWORLD x", true), (made::Ids{1, 3, 4, 0, 2}));
  EXPECT_EQ(t.encode(" Hello\nWORLD x", false), (made::Ids{3, 4, 0}));
  EXPECT_EQ(t.encode("", true), (made::Ids{1, 2}));
  EXPECT_EQ(t.encode(" \t ", false), made::Ids{});
  EXPECT_EQ(t.encode("hello \xFF\xFE", false), (made::Ids{3, 5})) << "each malformed part is one U+FFFD";
  EXPECT_EQ(t.decode(made::Ids{3, 4}, false), "heLLoworLd");
  EXPECT_EQ(t.single_parts(), (std::vector<TextPart>{{-1, 1, 0}, {0, -1, 0}, {-1, 2, 0}}));
  EXPECT_EQ(t.pair_parts().size(), 5U);
}

TEST(HfTokenizer, AddedTokensTakeTheirIdInTheVocabularyOrTheNextFreeOne) {
  HfParts parts = word_parts({"<unk>", "a", "b"});
  parts.added = {token_to_add("x", false), token_to_add("b", true), token_to_add("x", true),
                 token_to_add("", true)};
  parts.added[0].id = 99;
  TokenizerConfig config;
  config.added = {token_to_add("y", true), token_to_add("b", false)};
  const HfTokenizer t(std::move(parts), config, "f");
  EXPECT_EQ(t.vocab_size(), 5);
  EXPECT_EQ(t.id_of("x"), 3);
  EXPECT_EQ(t.id_of("b"), 2);
  EXPECT_EQ(t.id_of("y"), 4);
  EXPECT_EQ(t.id_of("q"), std::nullopt);
  EXPECT_TRUE(!t.is_special(3) && t.is_special(2) && t.is_special(4) && !t.is_special(1));
  EXPECT_TRUE(t.piece(3) == "x" && t.piece(1) == "a");
  EXPECT_TRUE(t.piece(5).empty() && t.piece(-1).empty());
  EXPECT_EQ(t.encode("xay b", false), (made::Ids{3, 1, 4, 2}));
  // Names that no list has are added after those, and a decoder's flags replace the file's.
  HfParts other = word_parts({"<unk>", "a", "b"});
  other.added = {token_to_add("x", false), token_to_add("b", true)};
  config.special = {token_to_add("x", true), token_to_add("new", true)};
  config.added_decides = true;
  const HfTokenizer named(std::move(other), config, "f");
  EXPECT_TRUE(named.id_of("new") == 5 && named.is_special(5) && named.vocab_size() == 6);
  EXPECT_TRUE(!named.is_special(*named.id_of("x")) && !named.is_special(*named.id_of("b")));
  // As the library does it: ids go on at the number of pieces, whatever ids these have.
  HfParts holes = parts_with_holes();
  holes.added = {token_to_add("y", false), token_to_add("z", false)};
  const HfTokenizer odd(std::move(holes), {}, "f");
  EXPECT_TRUE(odd.id_of("y") == 3 && odd.id_of("z") == 4 && odd.id_of("b") == 4);
  EXPECT_EQ(odd.decode(made::Ids{1, 4}, false), "a z");
}

TEST(HfTokenizer, NormalizedTokensAreFoundInTheNormalizedText) {
  HfParts parts = word_parts({"<unk>", "a", "b"});
  parts.normalizer = make_normalizer({{"type", "Lowercase"}}, "f");
  parts.added = {token_to_add("<TAG>", true, true), token_to_add("<RAW>", true)};
  const HfTokenizer t(std::move(parts), {}, "f");
  EXPECT_EQ(t.encode("A<tag>b<TAG><RAW> <raw>", false), (made::Ids{1, 3, 2, 3, 4, 0}));
  EXPECT_TRUE(t.piece(3) == "<TAG>" && t.piece(4) == "<RAW>");
  EXPECT_EQ(t.decode(made::Ids{1, 3, 4}, false), "a <tag> <RAW>");
}

TEST(HfTokenizer, SpecialTextAsAskedOrAsTheConfigurationSays) {
  const auto ids = [](SpecialText how, bool split_special) {
    HfParts parts = word_parts({"<unk>", "a"});
    parts.added = {token_to_add("<x>", true), token_to_add("tool", false)};
    TokenizerConfig config;
    config.split_special = split_special;
    return HfTokenizer(std::move(parts), config, "f")
        .encode("a <x> tool", EncodeOptions{.add_special = true, .special_text = how});
  };
  const made::Ids token = {1, 2, 3}, text = {1, 0, 3};  // what is not special is always a token
  EXPECT_EQ(ids(SpecialText::kAsFile, false), token);
  EXPECT_EQ(ids(SpecialText::kAsFile, true), text);
  for (const bool split : {false, true}) {
    EXPECT_EQ(ids(SpecialText::kParse, split), token);
    EXPECT_EQ(ids(SpecialText::kPlain, split), text);
  }
}

TEST(HfTokenizer, OnlyTheStartOfTheTextGetsTheFirstMarker) {
  const auto ids = [](std::string_view text, bool with_normalized) {
    HfParts parts = word_parts({"<unk>", "\u2581a", "a"});
    parts.pre = make_pre_tokenizer({{"type", "Metaspace"}, {"prepend_scheme", "first"}}, false, "f");
    parts.added = {token_to_add("<x>", true)};
    if (with_normalized) parts.added.push_back(token_to_add("<n>", false, true));
    return HfTokenizer(std::move(parts), {}, "f").encode(text, false);
  };
  for (const bool with_normalized : {false, true}) {
    EXPECT_EQ(ids("a", with_normalized), made::Ids{1});
    EXPECT_EQ(ids("<x>a", with_normalized), (made::Ids{3, 2}));
    EXPECT_EQ(ids("a<x>a", with_normalized), (made::Ids{1, 3, 2}));
  }
  EXPECT_EQ(ids("a<n>a", true), (made::Ids{1, 4, 2}));
  EXPECT_EQ(ids("<n>a", true), (made::Ids{4, 2}));
}

TEST(HfTokenizer, DecodingLeavesOutSpecialTokensAndHoles) {
  HfParts parts = parts_with_holes();
  parts.added = {token_to_add("b", true)};
  const HfTokenizer t(std::move(parts), {}, "f");
  EXPECT_EQ(t.vocab_size(), 5);
  EXPECT_EQ(t.decode(made::Ids{1, 2, 3, 4, 1}, false), "a b a");
  EXPECT_EQ(t.decode(made::Ids{1, 2, 3, 4, 1}, true), "a a");
  EXPECT_EQ(t.decode(made::Ids{}, false), "");
  const HfTokenizer broken(word_parts({"<unk>", "\xC3"}), {}, "f");
  EXPECT_EQ(broken.decode(made::Ids{1}, false), "\uFFFD");
  for (const std::int32_t id : {-1, 5, INT32_MAX}) {
    io_test::expect_error(ErrorCode::kInvalidArgument,
                          {fmt::format("decode: token id {} is not in [0, 5)", id)}, [&] {
                            t.decode(made::Ids{1, id}, true);
                          });
  }
}

TEST(HfTokenizer, TheConfigurationSwitchesBosAndEos) {
  struct Switched {
    std::optional<bool> add_bos, add_eos;
    made::Ids before, after;  // of the post-processor
    made::Ids ids;            // of "a"
  };
  const Switched cases[] = {{{}, {}, {}, {}, {3}},
                            {{}, {}, {1}, {2}, {1, 3, 2}},
                            {true, true, {}, {}, {1, 3, 2}},
                            {true, true, {1}, {2}, {1, 3, 2}},
                            {true, true, {3}, {3}, {1, 3, 3, 3, 2}},
                            {false, false, {3, 1}, {2, 3}, {3, 3, 3}},
                            {false, true, {}, {}, {3, 2}}};
  for (const Switched& c : cases) {
    HfParts parts = word_parts({"<unk>", "<s>", "</s>", "a"});
    parts.post.before = c.before;
    parts.post.after = c.after;
    TokenizerConfig config;
    config.bos = "<s>", config.eos = "</s>", config.pad = "<none>";
    config.add_bos = c.add_bos, config.add_eos = c.add_eos;
    const HfTokenizer t(std::move(parts), config, "f");
    EXPECT_EQ(t.encode("a", true), c.ids);
    EXPECT_EQ(t.encode("a", false), made::Ids{3});
    EXPECT_TRUE(t.bos_id() == 1 && t.eos_id() == 2 && t.special().pad == std::nullopt);
    EXPECT_EQ(t.special().add_bos, c.ids.front() == 1);
    EXPECT_EQ(t.special().add_eos, c.ids.back() == 2);
  }
}

TEST(HfTokenizer, RefusesTokensThatCannotBe) {
  const auto refused = [](std::string_view part, HfParts parts) {
    io_test::expect_error(ErrorCode::kCorruptFile, {part},
                          [&] { HfTokenizer(std::move(parts), TokenizerConfig(), "f"); });
  };
  HfParts before = word_parts({"<unk>", "a"}), after = word_parts({"<unk>", "a"});
  HfParts pair = word_parts({"<unk>", "a"}), bytes = word_parts({"<unk>", "a"});
  before.post.before = {1, 2};
  after.post.after = {9};
  pair.post.pair = {{0, -1, 0}, {-1, 3, 0}, {1, -1, 1}};
  bytes.added = {token_to_add("\xC3", true)};
  refused("f: the post-processor adds token 2, but ids end at 1", std::move(before));
  refused("f: the post-processor adds token 9, but ids end at 1", std::move(after));
  refused("f: the post-processor adds token 3, but ids end at 1", std::move(pair));
  refused("f: added token 0 is not UTF-8", std::move(bytes));
}

}  // namespace
}  // namespace lq::tokenizers
