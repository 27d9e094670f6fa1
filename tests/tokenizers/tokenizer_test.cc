// All kinds of tokenizers against what the original libraries gave (tests/goldens/make_tokenizer_goldens.py).
#include "tokenizers/tokenizer.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/error.h"
#include "support/io_test_util.h"
#include "support/paths.h"
#include "tokenizers/stream_decoder.h"
#include "tokenizers/tokenizer_goldens.h"

namespace lq::tokenizers {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using Ids = std::vector<std::int32_t>;

const fs::path kShared = fs::path(lq::test::source_dir()) / ".." / "shared" / "data";

Json read_json(const fs::path& path) {
  std::ifstream in(path);
  return Json::parse(in);
}

std::string text_of(const Json& item) {
  if (item.contains("text")) return item["text"].get<std::string>();
  const auto hex = item["hex"].get<std::string>();
  std::string out;
  for (std::size_t i = 0; i < hex.size(); i += 2)
    out.push_back(static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16)));
  return out;
}

void check_case(const Json& golden, const fs::path& path) {
  SCOPED_TRACE(golden["name"].get<std::string>());
  const auto tokenizer = Tokenizer::load(path);
  for (const Json& item : golden["texts"]) {
    const std::string text = text_of(item);
    SCOPED_TRACE(text);
    const Ids ids = tokenizer->encode(text, false);
    EXPECT_EQ(ids, item["ids"].get<Ids>());
    EXPECT_EQ(tokenizer->encode(text, true), item["special"].get<Ids>());
    EXPECT_EQ(tokenizer->encode(text, false), ids) << "the second time, from the word cache";
    EXPECT_EQ(tokenizer->decode(ids, false), item["decoded"].get<std::string>());
    if (item.contains("skipped")) {
      EXPECT_EQ(tokenizer->decode(item["special"].get<Ids>(), true), item["skipped"].get<std::string>());
    }
    StreamDecoder stream(*tokenizer, false);
    std::string streamed;
    for (const std::int32_t id : ids) streamed += stream.push(id);
    streamed += stream.finish();
    EXPECT_EQ(streamed, item["decoded"].get<std::string>());
    for (const std::int32_t id : ids) EXPECT_EQ(tokenizer->id_of(tokenizer->piece(id)), id);
  }
}

TEST(Tokenizer, EveryKindEqualsItsOriginal) {
  const Json cases = read_json(kTokenizerGoldens / "cases.json");
  ASSERT_GE(cases.size(), 19u);
  for (const Json& golden : cases) check_case(golden, kTokenizerGoldens / golden["path"].get<std::string>());
}

TEST(Tokenizer, SharedTokenizersEqualTheirOriginals) {
  if (!fs::exists(kShared)) GTEST_SKIP() << kShared << " is absent: real tokenizers are not checked";
  for (const Json& golden : read_json(kTokenizerGoldens / "shared.json")) {
    check_case(golden, kShared / golden["path"].get<std::string>());
  }
}

// By transformers' AutoTokenizer (tests/goldens/make_tokenizer_config_goldens.py).
TEST(Tokenizer, TheFilesBesideItAsTransformersTakesThem) {
  const auto text_in = [](const fs::path& path) {
    std::ifstream in(path);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  for (const Json& golden : read_json(kTokenizerGoldens / "beside.json")) {
    SCOPED_TRACE(golden["name"].get<std::string>());
    std::map<std::string, std::string> files = {
        {"tokenizer.json",
         text_in(kTokenizerGoldens / golden["base"].get<std::string>() / "tokenizer.json")}};
    for (const auto& [name, content] : golden["files"].items()) files[name] = content.dump();
    const auto tokenizer = Tokenizer::load(Folder("made", std::move(files)));
    for (const Json& item : golden["texts"]) {
      SCOPED_TRACE(item["text"].get<std::string>());
      const auto ids = item["ids"].get<Ids>();
      EXPECT_EQ(tokenizer->encode(item["text"].get<std::string>(), true), ids);
      EXPECT_EQ(tokenizer->decode(ids, false), item["decoded"].get<std::string>());
      EXPECT_EQ(tokenizer->decode(ids, true), item["skipped"].get<std::string>());
    }
  }
}

TEST(Tokenizer, ThreadsShareOne) {
  const auto tokenizer = Tokenizer::load(kTokenizerGoldens / "bpe_llama3");
  std::string text;
  for (int i = 0; i < 2000; ++i) text += "word" + std::to_string(i * 7919 % 977) + " and another; ";
  const Ids expected = tokenizer->encode(text, true);
  std::vector<Ids> found(4);
  std::vector<std::thread> threads;
  for (Ids& ids : found) threads.emplace_back([&] { ids = tokenizer->encode(text, true); });
  for (auto& t : threads) t.join();
  for (const Ids& ids : found) EXPECT_EQ(ids, expected);
}

// The number of heap steps is n log n; were it n^2, this would take hours, not the fraction of a second it
// takes.
TEST(Tokenizer, AMegabyteWithoutASpace) {
  const std::string same(1000000, 'e');
  std::string mixed;
  for (std::uint32_t i = 0, x = 7; i < 1000000; ++i) {
    x = x * 1664525 + 1013904223;
    mixed.push_back(static_cast<char>('a' + (x >> 24) % 26));
  }
  std::string marks;  // 330,000 combining marks of two classes in turn, which normal forms must sort
  for (int i = 0; i < 330000; ++i) marks += i % 2 == 0 ? "\u0316" : "\u0301";
  for (const char* name :
       {"bpe_llama3", "bpe_byte_fallback", "tiktoken", "sp_bpe", "sp_unigram", "unigram", "wordpiece"}) {
    SCOPED_TRACE(name);
    const auto tokenizer = Tokenizer::load(kTokenizerGoldens / name);
    EXPECT_FALSE(tokenizer->encode(same, false).empty());
    EXPECT_FALSE(tokenizer->encode(mixed, false).empty());
    EXPECT_FALSE(tokenizer->encode("a" + marks, false).empty());
  }
}

TEST(Tokenizer, SpecialTextIsParsedOrPlainAsAsked) {
  const auto hf = Tokenizer::load(kTokenizerGoldens / "bpe_byte_fallback");
  const auto encode = [](const Tokenizer& t, SpecialText how) {
    return t.encode("</s>", EncodeOptions{.add_special = false, .special_text = how});
  };
  EXPECT_EQ(encode(*hf, SpecialText::kAsFile), Ids{2});
  EXPECT_EQ(encode(*hf, SpecialText::kParse), Ids{2});
  EXPECT_GT(encode(*hf, SpecialText::kPlain).size(), 1u);
  const auto bare =
      Tokenizer::load(kTokenizerGoldens / "sp_bpe");  // no tokenizer_config.json: as sentencepiece
  EXPECT_GT(encode(*bare, SpecialText::kAsFile).size(), 1u);
  EXPECT_EQ(encode(*bare, SpecialText::kParse), Ids{2});
  EXPECT_EQ(bare->bos_id(), 1);
  EXPECT_EQ(bare->eos_id(), 2);
  EXPECT_TRUE(bare->special().add_bos);
}

// Values of transformers 5.24's LlamaTokenizer on the same files.
TEST(Tokenizer, TheClassSaysWhetherASentencePieceTextBeginsWithASpace) {
  const io_test::TempDir folder;
  struct Case {
    const char* model;
    Json config;  // null: no tokenizer_config.json
    Ids ids;      // of "hello world"
  };
  const Json llama = {{"tokenizer_class", "LlamaTokenizer"}};
  const auto with = [&](bool prefix) {
    Json config = llama;
    config["add_prefix_space"] = prefix;
    return config;
  };
  const Case cases[] = {
      {"sp_bpe", nullptr, {405, 261, 298, 414, 269, 272, 413, 415}},
      {"sp_bpe", llama, {405, 261, 298, 414, 269, 272, 413, 415}},
      {"sp_bpe", with(false), {261, 298, 414, 269, 272, 413, 415}},
      {"sp_unigram_bytes", nullptr, {288, 374, 272, 405, 290, 280, 268}},
      {"sp_unigram_bytes", llama, {259, 288, 374, 272, 405, 290, 280, 268}},
      {"sp_unigram_bytes", with(false), {288, 374, 272, 405, 290, 280, 268}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.model + c.config.dump());
    fs::copy_file(kTokenizerGoldens / c.model / "tokenizer.model", folder / "tokenizer.model",
                  fs::copy_options::overwrite_existing);
    fs::remove(folder / "tokenizer_config.json");
    if (!c.config.is_null()) std::ofstream(folder / "tokenizer_config.json") << c.config.dump();
    EXPECT_EQ(Tokenizer::load(folder.path())->encode("hello world", false), c.ids);
  }
}

TEST(Tokenizer, ConfigurationTurnsBosAndEosOnAndOff) {
  const fs::path directory = fs::path(testing::TempDir()) / "lq_tokenizer_config";
  fs::create_directories(directory);
  fs::copy_file(kTokenizerGoldens / "bpe_byte_fallback" / "tokenizer.json", directory / "tokenizer.json",
                fs::copy_options::overwrite_existing);
  const auto with = [&](const std::string& config) {
    std::ofstream(directory / "tokenizer_config.json") << config;
    return Tokenizer::load(directory)->encode("x", true);
  };
  const Ids plain = Tokenizer::load(kTokenizerGoldens / "bpe_byte_fallback")->encode("x", false);
  const auto around = [&](Ids before, const Ids& after) {
    before.insert(before.end(), plain.begin(), plain.end());
    before.insert(before.end(), after.begin(), after.end());
    return before;
  };
  const std::string names = R"("bos_token": "<s>", "eos_token": {"content": "</s>"})";
  EXPECT_EQ(with("{" + names + "}"), around({1}, {}));
  // tokenizer.json decides, as in transformers 5: the flags of the other file take nothing away.
  EXPECT_EQ(with("{" + names + R"(, "add_bos_token": false})"), around({1}, {}));
  EXPECT_EQ(with("{" + names + R"(, "add_bos_token": true, "add_eos_token": true})"), around({1}, {}));
  const auto tokenizer = Tokenizer::load(directory);
  EXPECT_EQ(tokenizer->eos_id(), 2);
  EXPECT_FALSE(tokenizer->special().add_eos);
  fs::remove_all(directory);
}

TEST(Tokenizer, DecodeRefusesIdsThatDoNotExist) {
  for (const char* name : {"bpe_llama3", "sp_bpe", "tiktoken"}) {
    const auto tokenizer = Tokenizer::load(kTokenizerGoldens / name);
    for (const std::int32_t id : {-1, tokenizer->vocab_size()}) {
      EXPECT_THROW(tokenizer->decode(Ids{id}, false), Error) << name << " " << id;
    }
    EXPECT_EQ(tokenizer->piece(tokenizer->vocab_size()), "");
    EXPECT_EQ(tokenizer->id_of("no such piece at all"), std::nullopt);
  }
}

}  // namespace
}  // namespace lq::tokenizers
