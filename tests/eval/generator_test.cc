#include "eval/generator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "eval/greedy_texts.h"
#include "reference/random_model.h"
#include "support/io_test_util.h"
#include "support/paths.h"

namespace lq {
namespace {

const std::filesystem::path kStories = std::filesystem::path(lq::test::source_dir()) / ".." / "shared" /
                                       "data" / "models" / "stories260K" / "hf";

// As llama2.c's own program continues it (stories260K.md of the model's repository).
constexpr std::string_view kStory =
    "Once upon a time, there was a little girl named Lily. She loved to play outside in the park. One day, "
    "she "
    "saw a big, red ball. She wanted to play with it, but it was too high.\n"
    "Lily's mom said, \"Lily, let's go to the park.\" Lily was sad and didn't know what to do. She said, \"I "
    "want "
    "to play with your ball, but I can't find it.\"\n"
    "Lily was sad and didn't know what to do. She said, \"I'm sorry, Lily. I didn't know what to do.\"\n"
    "Lily didn't want to help her mom, so she said, \"I'm sorry, mom. I didn't know what to do.\" Her mom "
    "said, "
    "\"Don't worry, Lily. We can help you.";

TEST(GenerationContext, IntegersForPromptsOfPackedModelsThatDecodeFast) {
  ThreadPool pool(1);
  NoProgress progress;
  const Context ctx{pool, progress, 0, {}};
  for (const auto precision : {DecodePrecision::kFast, DecodePrecision::kFine}) {
    for (const bool packed : {false, true}) {
      const Context made = generation_context(ctx, precision, packed);
      EXPECT_EQ(made.decode_precision, precision);
      EXPECT_EQ(made.matmul_precision == MatmulPrecision::kI16,
                packed && precision == DecodePrecision::kFast);
    }
  }
}

// Tokens of a longrope model, whose factors change with a sequence's length: as a pass over the whole
// sequence has them for every token, which transformers' generate() gives as well.
class LongRopeText : public testing::Test {
 protected:
  std::vector<std::int32_t> by_whole_passes(std::vector<std::int32_t> ids, int count) {
    std::vector<std::int32_t> made;
    Tensor logits = Tensor::empty(DType::kF32, {1, model_.spec().vocab});
    for (int i = 0; i < count; ++i) {
      Workspace ws;
      KvCache cache = model_.make_cache(64);
      model_.decode(ctx_, ws, cache, ids, matrix_of(logits));
      const float* const row = logits.data<float>();
      made.push_back(static_cast<std::int32_t>(std::max_element(row, row + logits.numel()) - row));
      ids.push_back(made.back());
    }
    return made;
  }
  std::vector<std::int32_t> prompt(std::int64_t count) const {
    std::vector<std::int32_t> ids;
    for (std::int64_t i = 0; i < count; ++i) {
      ids.push_back(static_cast<std::int32_t>((i * 37 + 11) % model_.spec().vocab));
    }
    return ids;
  }

  ThreadPool pool_{2};
  NoProgress progress_;
  Context ctx_{pool_, progress_, 0, {}};
  Model model_ = Model::load(ctx_, std::filesystem::path(test::source_dir()) / "tests/goldens/phi3_long");
  std::unique_ptr<Tokenizer> tokenizer_ =
      Tokenizer::load(std::filesystem::path(test::source_dir()) / "examples/models/quill");
  std::int64_t border_ = model_.spec().rope.original_positions;
};

TEST_F(LongRopeText, IsThatOfWholePassesAcrossTheBorder) {
  const GenerateOptions options{.max_tokens = 8, .ignore_eos = true, .precision = DecodePrecision::kFine};
  Generator generator(model_, *tokenizer_);
  // The same generator for all: longer and shorter sequences that begin alike.
  for (const std::int64_t count : {border_ - 4, border_ + 3, border_ - 6, border_}) {
    EXPECT_EQ(generator.generate(ctx_, prompt(count), options).ids, by_whole_passes(prompt(count), 8))
        << count;
  }
}

TEST_F(LongRopeText, IsTheSameInABatch) {
  const std::vector<std::vector<std::int32_t>> prompts = {prompt(border_ - 4), prompt(border_ + 3),
                                                          prompt(3)};
  const GreedyOptions options{.max_tokens = 8};
  const auto together = greedy_texts(ctx_, model_, *tokenizer_, prompts, options);
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    EXPECT_EQ(greedy_texts(ctx_, model_, *tokenizer_, std::span(prompts).subspan(i, 1), options)[0],
              together[i]);
  }
  Generator generator(model_, *tokenizer_);
  const GenerateOptions alone{.max_tokens = 8, .precision = DecodePrecision::kFine};
  EXPECT_EQ(generator.generate(ctx_, prompts[0], alone).text, together[0]);
}

TEST_F(LongRopeText, PartsOfAPromptAreTurnedAsTheWhole) {
  const auto ids = prompt(border_ + 6);
  Workspace ws;
  Tensor whole = Tensor::empty(DType::kF32, {1, model_.spec().vocab});
  Tensor parts = Tensor::empty(DType::kF32, {1, model_.spec().vocab});
  KvCache one = model_.make_cache(64), two = model_.make_cache(64);
  model_.decode(ctx_, ws, one, ids, matrix_of(whole));
  model_.decode(ctx_, ws, two, std::span(ids).first(4), matrix_of(parts), std::ssize(ids));
  model_.decode(ctx_, ws, two, std::span(ids).subspan(4), matrix_of(parts), std::ssize(ids));
  for (std::int64_t i = 0; i < whole.numel(); ++i) {
    EXPECT_NEAR(parts.data<float>()[i], whole.data<float>()[i], 1e-4) << i;
  }
}

// A packed model decodes a token by another kernel than it reads a prompt by: the last prompt's logits are
// kept.
TEST(GeneratorAgain, TheSamePromptGivesTheSameText) {
  const std::filesystem::path quill = std::filesystem::path(test::source_dir()) / "examples/models/quill";
  const io_test::TempDir dir;
  reference::RandomModel shape;
  shape.bits = 3;
  ThreadPool pool(2);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  reference::write_random_model(pool, shape, dir / "packed");
  const Model model = Model::load(ctx, dir / "packed");
  const auto tokenizer = Tokenizer::load(quill);
  Generator kept(model, *tokenizer);
  for (const DecodePrecision precision : {DecodePrecision::kFast, DecodePrecision::kFine}) {
    GenerateOptions options{.max_tokens = 12, .ignore_eos = true, .precision = precision};
    options.sampler = {.temperature = 1.0, .seed = 7};
    for (const std::vector<std::int32_t>& ids : {std::vector<std::int32_t>{5, 9, 31, 4}, {5, 9, 2}}) {
      const auto fresh = Generator(model, *tokenizer).generate(ctx, ids, options).ids;
      EXPECT_EQ(kept.generate(ctx, ids, options).ids, fresh);
      EXPECT_EQ(kept.generate(ctx, ids, options).ids, fresh) << "again";
      kept.generate(ctx, std::vector<std::int32_t>{8, 8}, options);  // nothing of it stays
    }
  }
}

class GeneratorTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kStories)) GTEST_SKIP() << "no " << kStories;
    model_.emplace(Model::load(ctx_, kStories));
    tokenizer_ = Tokenizer::load(kStories);
  }

  ThreadPool pool_{2};
  NoProgress progress_;
  Context ctx_{pool_, progress_, 0, {}};
  std::optional<Model> model_;
  std::unique_ptr<Tokenizer> tokenizer_;
};

TEST_F(GeneratorTest, GreedyStoryWordForWord) {
  Generator generator(*model_, *tokenizer_);
  std::string streamed;
  const auto r =
      generator.generate(ctx_, "Once upon a time", {.max_tokens = 300}, [&](std::string_view piece) {
        streamed += piece;
        return true;
      });
  EXPECT_EQ(streamed, r.text);
  const std::string whole = "Once upon a time" + r.text;
  EXPECT_EQ(whole.substr(0, kStory.size()), kStory);
}

TEST_F(GeneratorTest, StopTextEndsBeforeItAndIsNeverShown) {
  Generator generator(*model_, *tokenizer_);
  GenerateOptions options{.max_tokens = 300};
  options.stop = {"park.", "never said"};
  std::string streamed;
  const auto r = generator.generate(ctx_, "Once upon a time", options, [&](std::string_view piece) {
    streamed += piece;
    return true;
  });
  EXPECT_EQ(r.reason, StopReason::kStopText);
  EXPECT_EQ(streamed, ", there was a little girl named Lily. She loved to play outside in the ");
}

TEST_F(GeneratorTest, ConversationReusesTheCache) {
  Generator generator(*model_, *tokenizer_);
  const auto first = generator.generate(ctx_, "Once upon a time", {.max_tokens = 20});
  std::vector<std::int32_t> ids = tokenizer_->encode("Once upon a time", true);
  ids.insert(ids.end(), first.ids.begin(), first.ids.end());
  const auto second = generator.generate(ctx_, ids, {.max_tokens = 20});
  EXPECT_EQ(second.reused_tokens, std::ssize(ids) - 1);
  Generator fresh(*model_, *tokenizer_);
  EXPECT_EQ(fresh.generate(ctx_, ids, {.max_tokens = 20}).ids, second.ids);
}

TEST_F(GeneratorTest, SamplingRepeatsWithItsSeedOnly) {
  GenerateOptions options{.max_tokens = 40};
  options.sampler = {.temperature = 1.0, .top_p = 0.9, .seed = 7};
  const auto once = Generator(*model_, *tokenizer_).generate(ctx_, "Once upon a time", options);
  EXPECT_EQ(Generator(*model_, *tokenizer_).generate(ctx_, "Once upon a time", options).ids, once.ids);
  options.sampler.seed = 8;
  EXPECT_NE(Generator(*model_, *tokenizer_).generate(ctx_, "Once upon a time", options).ids, once.ids);
}

TEST_F(GeneratorTest, RefusesAFullContextAndStopsWhereItFills) {
  Generator generator(*model_, *tokenizer_, 16);
  const auto r = generator.generate(ctx_, "Once upon a time", {.max_tokens = 300});
  EXPECT_EQ(r.reason, StopReason::kContextFull);
  const std::vector<std::int32_t> full(16, 5);
  EXPECT_THROW(generator.generate(ctx_, full, {}), Error);
  EXPECT_THROW(generator.generate(ctx_, std::vector<std::int32_t>{}, {}), Error);
  EXPECT_THROW(Generator(*model_, *tokenizer_, 513), Error);
}

TEST_F(GeneratorTest, CallbackMayStop) {
  int pieces = 0;
  const auto r = Generator(*model_, *tokenizer_)
                     .generate(ctx_, "Once upon a time", {.max_tokens = 300},
                               [&](std::string_view) { return ++pieces < 3; });
  EXPECT_EQ(r.reason, StopReason::kCallback);
  EXPECT_EQ(pieces, 3);
}

// quill's tokenizer, but one of its tokens is special and written "<|end|>".
class WithSpecialToken final : public Tokenizer {
 public:
  explicit WithSpecialToken(const std::filesystem::path& path) : inner_(Tokenizer::load(path)) {
    special_ = inner_->special();
    kind_ = inner_->kind();
  }
  void make_special(std::int32_t id) { end_ = id; }

  std::vector<std::int32_t> encode(std::string_view text, const EncodeOptions& options) const override {
    return inner_->encode(text, options);
  }
  std::string decode(std::span<const std::int32_t> ids, bool skip_special) const override {
    std::string out;
    while (true) {
      const auto at = std::ranges::find(ids, end_);
      const auto before = static_cast<std::size_t>(at - ids.begin());
      out += inner_->decode(ids.first(before), skip_special);
      if (at == ids.end()) return out;
      if (!skip_special) out += "<|end|>";
      ids = ids.subspan(before + 1);
    }
  }
  std::int32_t vocab_size() const override { return inner_->vocab_size(); }
  std::string piece(std::int32_t id) const override { return id == end_ ? "<|end|>" : inner_->piece(id); }
  std::optional<std::int32_t> id_of(std::string_view piece) const override { return inner_->id_of(piece); }
  bool is_special(std::int32_t id) const override { return id == end_ || inner_->is_special(id); }

 private:
  std::unique_ptr<Tokenizer> inner_;
  std::int32_t end_ = -1;
};

TEST(Generator, EndsAtEveryEosAndAtTheTextOfSpecialTokens) {
  ThreadPool pool(2);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  const auto folder = std::filesystem::path(lq::test::source_dir()) / "examples" / "models" / "quill";
  const Model model = Model::load(ctx, folder);
  WithSpecialToken tokenizer(folder);
  const GenerateOptions plain{.max_tokens = 12};
  const auto whole = Generator(model, tokenizer, 64).generate(ctx, "It was a cold evening", plain);
  ASSERT_EQ(whole.ids.size(), 12U);
  // The first token from the third on that has not come before.
  std::size_t at = 3;
  while (std::find(whole.ids.begin(), whole.ids.begin() + static_cast<std::ptrdiff_t>(at), whole.ids[at]) !=
         whole.ids.begin() + static_cast<std::ptrdiff_t>(at)) {
    ASSERT_LT(++at, whole.ids.size());
  }

  Generator ends(model, tokenizer, 64);
  ends.add_eos(tokenizer.vocab_size() - 1);
  ends.add_eos(whole.ids[at]);
  const auto by_id = ends.generate(ctx, "It was a cold evening", plain);
  EXPECT_EQ(by_id.reason, StopReason::kEos);
  EXPECT_EQ(by_id.ids.size(), at + 1);

  tokenizer.make_special(whole.ids[at]);
  GenerateOptions options = plain;
  options.stop = {"<|end|>"};
  const auto by_text = Generator(model, tokenizer, 64).generate(ctx, "It was a cold evening", options);
  EXPECT_EQ(by_text.reason, StopReason::kStopText);
  EXPECT_EQ(by_text.ids.size(), at + 1);
  EXPECT_EQ(by_text.text, by_id.text) << "the special token's text is found, and not shown";
  // Without skip_special it would be shown, so it is found in what is shown.
  options.skip_special = false;
  EXPECT_EQ(Generator(model, tokenizer, 64).generate(ctx, "It was a cold evening", options).reason,
            StopReason::kStopText);
  options.stop = {"never said"};
  options.skip_special = true;
  const auto on = Generator(model, tokenizer, 64).generate(ctx, "It was a cold evening", options);
  EXPECT_EQ(on.reason, StopReason::kMaxTokens);
  EXPECT_EQ(on.text.find("end|>"), std::string::npos);
}

TEST(Generator, ATokenizerWithMoreIdsThanTheModelIsUsedUntilItGivesOne) {
  ThreadPool pool(2);
  NoProgress progress;
  Context ctx{pool, progress, 0, {}};
  const auto folder = std::filesystem::path(testing::TempDir()) / "lq_small_vocabulary";
  std::filesystem::remove_all(folder);
  reference::write_random_model(pool, {}, folder);
  const Model model = Model::load(ctx, folder);
  const auto tokenizer =
      Tokenizer::load(std::filesystem::path(lq::test::source_dir()) / "examples" / "models" / "quill");
  Generator generator(model, *tokenizer);
  GenerateOptions options;
  options.max_tokens = 2;
  options.ignore_eos = true;
  const std::vector<std::int32_t> known = {1, 96}, beyond = {1, 4000};
  EXPECT_EQ(generator.generate(ctx, known, options).ids.size(), 2U);
  try {
    generator.generate(ctx, beyond, options);
    FAIL() << "accepted";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kMismatch);
    EXPECT_NE(std::string(e.what()).find("4000"), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("97"), std::string::npos) << e.what();
  }
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace lq
