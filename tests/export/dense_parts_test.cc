// Which tensors an exported model has, as PEFT's modules have them with the adapter.
#include "export/dense_parts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "export/packed_adapter.h"
#include "export/packed_model.h"

namespace lq {
namespace {

constexpr std::string_view kTableWeight = "model.embed_tokens.weight";
constexpr std::string_view kHeadWeight = "lm_head.weight";

struct AdapterKind {
  const char* what;
  std::vector<const char*> whole;  // tensors in it
  bool head_low_rank = false, table_low_rank = false;
  bool tying = false;    // ensure_weight_tying
  bool unties = false;   // of the tied model
  std::size_t kept = 0;  // whole tensors of an adapter beside the tied model
};

class DensePartsTest : public testing::Test {
 protected:
  DensePartsTest() { tiny_.tie(); }
  std::unique_ptr<PeftAdapterReader> adapter(const AdapterKind& kind) {
    const auto to = tiny_.dir / "adapter";
    std::filesystem::remove_all(to);
    std::filesystem::create_directories(to);
    std::vector<LoraSpec> specs = {{"model.layers.1.mlp.up_proj", 2, 32, 40, 2.0}};
    if (kind.head_low_rank) specs.push_back({"lm_head", 2, 32, 64, 2.0});
    if (kind.table_low_rank) specs.push_back({"model.embed_tokens", 2, 64, 32, 2.0, false, true});
    PeftWriterOptions options;
    for (const char* name : kind.whole) options.replaced.push_back({name, DType::kF32, {64, 32}});
    PeftConfig config;
    config.ensure_weight_tying = kind.tying;
    PeftAdapterWriter writer(to, config, specs, options);
    for (const LoraSpec& spec : specs) {
      const std::vector<float> ones(static_cast<std::size_t>(2 * std::max(spec.in, spec.out)), 0.5F);
      writer.write(spec.module, ones.data(), ones.data());
    }
    float value = 1.0F;
    for (const char* name : kind.whole) {
      const std::vector<float> values(64 * 32, kind.tying ? 1.0F : value++);
      writer.write_replaced(name, values.data());
    }
    writer.finish();
    return open_packed_adapter(PackedCheckpoint(tiny_.packed), to);
  }

  PackedTinyModel tiny_;
};

const DensePart* part_of(const DenseParts& parts, std::string_view name) {
  for (const DensePart& part : parts.parts) {
    if (part.spec.name == name) return &part;
  }
  return nullptr;
}

TEST_F(DensePartsTest, ATiedPairComesApartWhereTheAdapterTakesItApart) {
  const std::string table(kTableWeight);
  const std::string head(kHeadWeight);
  const AdapterKind kinds[] = {
      {"nothing of the pair", {}, false, false, false, false, 0},
      {"a copy of the embedding", {kTableWeight.data()}, false, false, false, true, 1},
      {"a copy of the head", {kHeadWeight.data()}, false, false, false, true, 1},
      {"two copies", {kHeadWeight.data(), kTableWeight.data()}, false, false, false, true, 2},
      {"one for both", {kTableWeight.data()}, false, false, true, false, 2},
      {"a low-rank part of the head", {}, true, false, false, true, 0},
      {"a low-rank part of the embedding", {}, false, true, false, true, 0},
      {"both, and a base layer", {kTableWeight.data()}, true, true, false, true, 1},
  };
  const PackedCheckpoint packed(tiny_.packed);
  ASSERT_TRUE(model_ends(packed).tied);
  for (const AdapterKind& kind : kinds) {
    SCOPED_TRACE(kind.what);
    const auto reader = adapter(kind);
    const DenseParts parts = dense_parts(packed, reader.get());
    EXPECT_EQ(parts.unties, kind.unties);
    EXPECT_EQ(part_of(parts, head) != nullptr, kind.unties);
    EXPECT_EQ(kept_tensors(packed, *reader).size(), kind.kept);
    const DensePart& of_table = *part_of(parts, table);
    EXPECT_EQ(of_table.pair != nullptr, kind.table_low_rank);
    const bool table_replaced =
        std::find(kind.whole.begin(), kind.whole.end(), kTableWeight) != kind.whole.end();
    EXPECT_EQ(of_table.replaced, table_replaced);
    if (kind.unties) {
      EXPECT_EQ(part_of(parts, head)->pair != nullptr, kind.head_low_rank);
    }
  }
}

TEST_F(DensePartsTest, WithoutAnAdapterTheyAreTheModels) {
  const PackedCheckpoint packed(tiny_.packed);
  const DenseParts parts = dense_parts(packed, nullptr);
  EXPECT_EQ(parts.parts.size(), packed.dense_tensors().size());
  for (const DensePart& part : parts.parts) EXPECT_TRUE(part.as_stored());
}

// A base layer beside low-rank parts stands for both; each part then changes its own.
TEST_F(DensePartsTest, MergedIsWhatThePartsAddUpTo) {
  const auto reader = adapter({"", {kTableWeight.data()}, true, true});
  const PackedCheckpoint packed(tiny_.packed);
  const DenseParts parts = dense_parts(packed, reader.get());
  // 1 + scaling 1 * (0.5 * 0.5 + 0.5 * 0.5).
  for (const std::string_view name : {kTableWeight, kHeadWeight}) {
    const Tensor merged = part_of(parts, name)->merged(tiny_.context);
    EXPECT_EQ(merged.data<float>()[9], 1.5F) << name;
  }
}

}  // namespace
}  // namespace lq
