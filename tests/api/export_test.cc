#include "lqlora/export.h"

#include <fstream>

#include "api_fixture.h"

namespace lqlora {
namespace {

bool there(const std::filesystem::path& file) { return std::filesystem::is_regular_file(file); }

// quill in 4 bits with factors of rank 2.
Checkpoint packed_quill(Context& context, const std::filesystem::path& out) {
  QuantizeOptions options;
  options.config = "4,8,fp32,64,256";
  options.rank = 2;
  options.method = "lorc";
  quantize(context, Checkpoint::open(quill()), out, options);
  return Checkpoint::open(out);
}

std::vector<float> scores(Context& context, const std::filesystem::path& model) {
  const Model loaded = Model::load(context, Checkpoint::open(model));
  return loaded.logits(context, Tokenizer::load(quill()).encode("It was a cold evening"));
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  double most = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
    most = std::max(most, std::abs(static_cast<double>(a[i]) - b[i]));
  return most;
}

TEST(ApiExport, TheLowRankPartIsAddedLeftOutOrKeptBeside) {
  Context context({.threads = 2});
  const lq::io_test::TempDir dir;
  const Checkpoint packed = packed_quill(context, dir / "packed");
  export_dense(context, packed, dir / "added");
  export_dense(context, packed, dir / "without", {.without_adapter = true});
  export_dense(context, packed, dir / "beside", {.keep_adapter = true});
  const auto whole = scores(context, dir / "packed");
  const double added = largest_difference(whole, scores(context, dir / "added"));
  const double without = largest_difference(whole, scores(context, dir / "without"));
  EXPECT_LT(added, 0.2);  // bf16 of the sum of both parts: scores of some 10
  EXPECT_GT(without, 2 * added);
  // The matrices alone, with the factors as a PEFT adapter beside them.
  EXPECT_EQ(scores(context, dir / "without"), scores(context, dir / "beside"));
  EXPECT_FALSE(there(dir / "added" / "adapter_config.json"));
  EXPECT_FALSE(Checkpoint::open(dir / "added").is_packed());
}

TEST(ApiExport, AnAdapterForTheDenseModel) {
  Context context({.threads = 2});
  const lq::io_test::TempDir dir;
  const Checkpoint packed = packed_quill(context, dir / "packed");
  FinetuneOptions options;
  std::ofstream(dir / "text.txt") << "The sea was calm, and the wind came from the north all day long.\n";
  options.data = {dir / "text.txt"};
  options.max_steps = 1;
  options.seq_len = 16;
  finetune(context, packed, dir / "tuned", options);
  export_adapter(context, packed, dir / "tuned", dir / "peft", quill());
  EXPECT_TRUE(there(dir / "peft" / "adapter_config.json"));
  EXPECT_TRUE(there(dir / "peft" / "adapter_model.safetensors"));
  const auto refused = [&](const std::filesystem::path& dense) {
    return error_of([&] { export_adapter(context, packed, dir / "tuned", dir / "other", dense); });
  };
  EXPECT_NE(refused(lq::test::source_dir() + "/tests/goldens/llama"), "none");
  EXPECT_FALSE(std::filesystem::exists(dir / "other"));
  EXPECT_NE(error_of([&] { export_dense(context, Checkpoint::open(quill()), dir / "other"); }), "none");
}

}  // namespace
}  // namespace lqlora
