// The parts of a comparison: how the verbs are called for them, and that each is made once.
#include "compare/compare_cells.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "support/io_test_util.h"
#include "support/paths.h"

namespace lq {
namespace {

namespace fs = std::filesystem;

class CompareCellsTest : public testing::Test {
 protected:
  CompareCellsTest() {
    std::string song;
    for (int i = 0; i < 20; ++i) song += "Verse " + std::to_string(i) + " of a song about ships.\n";
    io_test::put_file(dir_ / "song.txt", song);
    io_test::put_file(dir_ / "held.txt", "Verse 41 of a song about ships that were lost at sea.\n");
    read("");
  }
  // The recipe with more lines before its tables.
  void read(const std::string& more, const std::string& model = "", const std::string& finetune = "") {
    const std::string quill = (fs::path(lq::test::source_dir()) / "examples/models/quill").string();
    recipe_ = parse_compare_recipe(
        "model = \"" + (model.empty() ? quill : model) +
            "\"\nmethods = [\"lora\", \"lq\", \"qlora-uniform\"]\nbits = 3\nrank = 4\n"
            "include = [\"*layers.0.self_attn.q_proj*\", \"*layers.1.mlp.down_proj*\"]\n"
            "configs = [\"2,4,fp16,64,256\", \"3,4,fp16,64,256\"]\n" +
            more +
            "[finetune]\ndata = \"song.txt\"\nseq-len = 32\nbatch-size = 2\nmax-steps = 2\nlr = 1e-3\n" +
            finetune + "[eval]\ndata = \"held.txt\"\nseq-len = 32\n",
        dir_ / "r.toml");
  }
  // A comparison in its folder, as each start of the program opens it.
  struct Comparison {
    Comparison(Context& ctx, const CompareRecipe& recipe, const fs::path& out)
        : folder(out, recipe.inputs(), ctx.progress, false), cells(ctx, recipe, folder) {}
    CompareFolder folder;
    CompareCells cells;
  };
  std::unique_ptr<Comparison> open() { return std::make_unique<Comparison>(ctx_, recipe_, dir_ / "out"); }

  io_test::TempDir dir_;
  ThreadPool pool_{2};
  NoProgress progress_;
  Context ctx_{pool_, progress_, 0, {}};
  CompareRecipe recipe_;
};

TEST(CompareCells, AreNamedByMethodAndBudget) {
  EXPECT_EQ(CompareCells::name_of(CompareMethod::kOurs, 2.5), "ours-2.5");
  EXPECT_EQ(CompareCells::name_of(CompareMethod::kLq, 3.0), "lq-3");
  EXPECT_EQ(CompareCells::name_of(CompareMethod::kLora, 0.0), "lora");
}

TEST_F(CompareCellsTest, QuantizeIsCalledAsTheRecipeSays) {
  const auto c = open();
  const QuantizeOptions lq = c->cells.quantize_options(CompareMethod::kLq, 3.0);
  EXPECT_EQ(lq.model, recipe_.model);
  EXPECT_EQ(lq.out, c->folder.path("cells/lq-3/base"));
  EXPECT_EQ(lq.decompose.method, DecomposeMethod::kLq);
  EXPECT_EQ(lq.decompose.rank, 4);
  EXPECT_EQ(lq.importance, ImportanceKind::kNone);
  EXPECT_EQ(lq.budget.bits, 3.0);
  EXPECT_EQ(lq.budget.configs.size(), 2U);
  EXPECT_TRUE(fs::exists(lq.budget.table)) << "the error table is made, once for all budgets";
  const auto made = fs::last_write_time(lq.budget.table);
  const QuantizeOptions less = c->cells.quantize_options(CompareMethod::kLq, 2.5);
  EXPECT_EQ(less.budget.table, lq.budget.table);
  EXPECT_EQ(fs::last_write_time(less.budget.table), made);
}

TEST_F(CompareCellsTest, FinetuneIsCalledAsTheRecipeSays) {
  const auto c = open();
  const FinetuneOptions packed = c->cells.finetune_options(CompareMethod::kLq, 3.0, 5, 2e-3);
  EXPECT_EQ(packed.model, c->folder.path("cells/lq-3/base"));
  EXPECT_EQ(packed.out, c->folder.path("cells/lq-3/seed-5"));
  EXPECT_EQ(packed.train.lr, 2e-3);
  EXPECT_EQ(packed.lora.rank, 4);
  EXPECT_FALSE(packed.full);
  const FinetuneOptions dense = c->cells.finetune_options(CompareMethod::kLora, 0.0, 5, 2e-3);
  EXPECT_EQ(dense.model, recipe_.model);
  EXPECT_EQ(dense.lora.targets, packed.lora.targets) << "the same modules learn";
  EXPECT_EQ(dense.lora.targets.size(), 2U);
  const FinetuneOptions full = c->cells.finetune_options(CompareMethod::kFull, 0.0, 5, 2e-3);
  EXPECT_TRUE(full.full);
  EXPECT_TRUE(full.lora.targets.empty());
}

TEST_F(CompareCellsTest, APartIsMadeOnceAndFoundAgain) {
  CompareBase dense, base;
  CompareRun run;
  {
    const auto c = open();
    dense = c->cells.dense();
    base = c->cells.base(CompareMethod::kLq, 3.0);
    EXPECT_FALSE(c->cells.finished(CompareMethod::kLq, 3.0, 0, 1e-3));
    run = c->cells.run(CompareMethod::kLq, 3.0, 0, 1e-3);
    EXPECT_TRUE(c->cells.finished(CompareMethod::kLq, 3.0, 0, 1e-3));
    EXPECT_FALSE(c->cells.finished(CompareMethod::kLq, 3.0, 1, 1e-3)) << "of another seed";
  }
  EXPECT_EQ(dense.bits, 16.0);
  ASSERT_EQ(dense.texts.size(), 1U);
  EXPECT_FALSE(dense.texts[0].kl.has_value()) << "its distance to itself says nothing";
  EXPECT_LE(base.bits, 3.0);
  EXPECT_GT(base.relative_error, 0.0);
  EXPECT_GT(base.texts.at(0).kl.value(), 0.0);
  EXPECT_GT(run.bits_with_low_rank, base.bits);
  EXPECT_EQ(run.steps, 2);

  const auto weights = dir_ / "out/cells/lq-3/base/model.safetensors";
  const auto before = fs::last_write_time(weights);
  const auto again = open();
  EXPECT_EQ(again->cells.dense().texts[0].perplexity, dense.texts[0].perplexity);
  const CompareBase same = again->cells.base(CompareMethod::kLq, 3.0);
  EXPECT_EQ(same.bits, base.bits);
  EXPECT_EQ(same.texts[0].kl, base.texts[0].kl);
  EXPECT_EQ(fs::last_write_time(weights), before);
  const CompareRun found = again->cells.run(CompareMethod::kLq, 3.0, 0, 1e-3);
  EXPECT_EQ(found.texts.at(0).perplexity, run.texts.at(0).perplexity);
}

// Where few of the matrices learn, as where all do: over the weights of all, like the base's.
TEST_F(CompareCellsTest, BitsOfCompressedPartsAreOverAllMatrices) {
  read("", "", "target = [\"layers.0.self_attn.q_proj\"]\n");
  const auto bits = [&](const std::string& out) {
    Comparison c(ctx_, recipe_, dir_ / out);
    const double dense = c.cells.dense().bits;
    return c.cells.run(CompareMethod::kLora, 0.0, 0, 1e-3).bits_with_low_rank - dense;
  };
  const double in_f32 = bits("f32");
  EXPECT_GT(in_f32, 0.0);
  read("", "", "target = [\"layers.0.self_attn.q_proj\"]\ncompress-adapter = \"nf8\"\n");
  const double nf8 = 8 + 8.0 / 64 + 32.0 / (64 * 256);
  EXPECT_NEAR(bits("nf8"), in_f32 * nf8 / 32, 1e-9);
}

// As the program finds it again when it is stopped behind the cell.
TEST(CompareCells, AnInfinitePerplexityIsKept) {
  CompareRun run;
  run.validation_loss = NAN;
  run.texts.push_back({.perplexity = INFINITY, .nll_per_token = 900.0, .tokens = 2, .kl = {}});
  const CompareRun found = compare_run_from_json(nlohmann::json::parse(to_json(run).dump()), "f");
  EXPECT_EQ(found.texts.at(0).perplexity, INFINITY);
  EXPECT_FALSE(found.validation_loss.has_value());
}

TEST_F(CompareCellsTest, AModelThatIsPackedAlreadyIsRefused) {
  {
    const auto c = open();
    c->cells.base(CompareMethod::kQloraUniform, 3.0);
  }
  read("", (dir_ / "out/cells/qlora-uniform-3/base").string());
  CompareFolder other(dir_ / "other", recipe_.inputs(), progress_, false);
  io_test::expect_error(ErrorCode::kInvalidArgument, {"r.toml", "packed already", "dense model"},
                        [&] { CompareCells(ctx_, recipe_, other); });
}

}  // namespace
}  // namespace lq
