// Real files of every format, where they are; templates and tokenizers that do not fit.
#include "train/training_data.h"

#include <gtest/gtest.h>

#include <map>

#include "base/error.h"
#include "support/io_test_util.h"
#include "support/paths.h"

namespace lq {
namespace {

namespace fs = std::filesystem;

fs::path shared() { return fs::path(lq::test::source_dir()) / ".." / "shared" / "data"; }

struct Expected {
  const char* file;
  const char* chat;
  bool responses_only;  // whether prompts are left out of the loss
  std::map<std::string, std::string> fields = {};
};

class RealFiles : public testing::TestWithParam<Expected> {};

TEST_P(RealFiles, AreReadAndMasked) {
  const Expected& want = GetParam();
  const fs::path file = shared() / "datasets" / want.file;
  if (!fs::exists(file)) GTEST_SKIP() << file << " is not there";
  const fs::path model = shared() / "tokenizers" / "tinyllama";
  const auto tokenizer = Tokenizer::load(model);
  TrainingDataOptions options;
  options.train = {{file}};
  options.chat_template = want.chat;
  options.examples.max_length = 512;
  options.examples.format.fields = want.fields;
  options.examples.validation = 0.1;
  options.examples.records.skip_bad = true;
  NoProgress progress;
  const ExampleSet set = read_training_data(options, model, *tokenizer, progress);
  EXPECT_EQ(set.bad, 0);
  ASSERT_GT(set.train.size(), 20u);
  EXPECT_FALSE(set.validation.empty());
  std::int64_t begin_counts = 0;
  for (const EncodedExample& e : set.train) {
    ASSERT_LE(e.ids.size(), 512u);
    ASSERT_GT(e.trained_tokens(), 0);
    ASSERT_NE(e.ids[1], *tokenizer->bos_id());  // text that brings its own
    begin_counts += e.in_loss[1] != 0 ? 1 : 0;
  }
  if (want.responses_only) {
    EXPECT_EQ(begin_counts, 0);
    EXPECT_LT(set.trained_tokens, set.tokens);
  } else {
    EXPECT_EQ(begin_counts, std::ssize(set.train));
  }
}

INSTANTIATE_TEST_SUITE_P(
    Datasets, RealFiles,
    testing::Values(Expected{"llama_factory/alpaca_en_demo.json", "", true},
                    Expected{"llama_factory/c4_demo.jsonl", "", false},
                    Expected{"llama_factory/wiki_demo.txt", "", false},
                    Expected{"guanaco/guanaco-llama2-1k.jsonl", "", false},
                    Expected{
                        "glue/SST-2/dev.tsv", "", true, {{"prompt", "sentence"}, {"completion", "label"}}},
                    Expected{"mmlu/test", "", true, {{"prompt", "question"}, {"completion", "choice0"}}},
                    Expected{"tinyshakespeare/input.txt", "", false}),
    [](const auto& info) {
      std::string name = info.param.file;
      for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
      return name;
    });

TEST(TrainingData, ATemplateThatTheTokenizerCannotWriteIsRefused) {
  const fs::path model = shared() / "tokenizers" / "bert-uncased";
  if (!fs::exists(model)) GTEST_SKIP() << model << " is not there";
  const auto bert = Tokenizer::load(model);
  // Spaces and brackets are words of BERT's; a mark of a script it does not know is not.
  const ChatTemplate odd = ChatTemplate::from_jinja(
      "{% for m in messages %}\xE1\x9A\xA0\xE1\x9A\xA2 {{ m['role'] }} \xE1\x9A\xA6 {{ m['content'] }} {% "
      "endfor %}",
      "", "", "test");
  EXPECT_THROW(check_template(odd, *bert), Error);
}

TEST(TrainingData, AnEndMarkOfManyTokensIsSaid) {
  const fs::path model = fs::path(lq::test::source_dir()) / "examples" / "models" / "quill";
  const auto tokenizer = Tokenizer::load(model);
  const std::string odd = check_template(ChatTemplate::by_name("chatml", *tokenizer), *tokenizer);
  EXPECT_NE(odd.find("<|im_end|>"), std::string::npos) << odd;
}

TEST(TrainingData, AnAnswerWithoutAnEndIsSaid) {
  const fs::path model = fs::path(lq::test::source_dir()) / "examples" / "models" / "quill";
  const auto tokenizer = Tokenizer::load(model);
  const ChatTemplate open = ChatTemplate::from_jinja(
      "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}{% endfor %}", "", "", "open");
  EXPECT_NE(check_template(open, *tokenizer).find("nothing stands behind an answer"), std::string::npos);
}

TEST(TrainingData, ValidationIsCountedToo) {
  const fs::path root = lq::test::source_dir(), model = root / "examples" / "models" / "quill";
  const auto tokenizer = Tokenizer::load(model);
  TrainingDataOptions options;
  options.train = {{root / "examples" / "texts" / "held_out.txt"}};
  NoProgress progress;
  const ExampleSet alone = read_training_data(options, model, *tokenizer, progress);
  options.validation = options.train;
  const ExampleSet both = read_training_data(options, model, *tokenizer, progress);
  EXPECT_EQ(both.tokens, 2 * alone.tokens);
  EXPECT_EQ(both.trained_tokens, 2 * alone.trained_tokens);
}

// A text needs no template.
TEST(TrainingData, ATemplateThatIsNotReadIsRefusedWhereAConversationNeedsIt) {
  const fs::path quill = fs::path(lq::test::source_dir()) / "examples" / "models" / "quill";
  const io_test::TempDir dir;
  for (const char* name : {"tokenizer.json", "tokenizer_config.json"}) {
    if (fs::exists(quill / name)) fs::copy_file(quill / name, dir / name);
  }
  io_test::put_file(dir / "chat_template.jinja", "{% import 'forms' as f %}{{ f.all(messages) }}");
  io_test::put_file(dir / "text.jsonl", "{\"text\": \"the ferry left\"}\n");
  io_test::put_file(dir / "chat.jsonl",
                    R"({"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]})");
  io_test::put_file(dir / "alpaca.jsonl", R"({"instruction":"i","output":"o"})");
  const auto tokenizer = Tokenizer::load(dir.path());
  const auto read = [&](const char* file, const char* chat) {
    TrainingDataOptions options;
    options.train = {{dir / file}};
    options.chat_template = chat;
    options.examples.records.skip_bad = true;
    NoProgress progress;
    return read_training_data(options, dir.path(), *tokenizer, progress).train.size();
  };
  EXPECT_EQ(read("text.jsonl", ""), 1U);
  EXPECT_EQ(read("chat.jsonl", "chatml"), 1U);
  for (const char* file : {"chat.jsonl", "alpaca.jsonl"}) {
    io_test::expect_error(ErrorCode::kUnsupported, {":1: ", "chat_template.jinja", "import"},
                          [&] { read(file, ""); });
  }
}

TEST(TrainingData, ATemplateThatTakesPartsOnlyIsChecked) {
  const fs::path model = fs::path(lq::test::source_dir()) / "examples" / "models" / "quill";
  const ChatTemplate parts = ChatTemplate::from_jinja(
      "{% for m in messages %}{{ m.role + ': ' + m.content[0]['text'] + '<end>' }}{% endfor %}", "", "",
      "parts");
  EXPECT_NE(check_template(parts, *Tokenizer::load(model)).find("'<end>', which ends an answer"),
            std::string::npos);
}

TEST(TrainingData, ValidationHasNoWeights) {
  const fs::path model = fs::path(lq::test::source_dir()) / "examples" / "models" / "quill";
  TrainingDataOptions options;
  options.train = {{"train.txt"}};
  options.validation = {{"held_out.txt", 5.0}};
  NoProgress progress;
  try {
    read_training_data(options, model, *Tokenizer::load(model), progress);
    FAIL() << "taken";
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "val-data held_out.txt: a weight is for `data` alone");
  }
}

}  // namespace
}  // namespace lq
