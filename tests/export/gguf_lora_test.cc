#include "export/gguf_lora.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "export/packed_model.h"
#include "files/json_file.h"
#include "formats/gguf/gguf_file.h"
#include "formats/gguf/gguf_form.h"
#include "formats/gguf/gguf_metadata.h"

namespace lq {
namespace {

using io_test::expect_error;

class GgufLoraTest : public testing::Test {
 protected:
  std::vector<float> tensor(const GgufFile& file, const std::string& name, std::int64_t head_dim = 0) {
    for (const GgufFile::Tensor& t : file.tensors()) {
      if (t.entry->name != name) continue;
      std::vector<float> values(static_cast<std::size_t>(checked_numel(t.entry->shape, name)));
      gguf_view(t, name, {.head_dim = head_dim}, "f").to_f32(0, std::ssize(values), values.data());
      return values;
    }
    ADD_FAILURE() << name;
    return {};
  }
  static std::vector<float> of(const TensorView& view) {
    const Tensor t = view.copy_f32();
    return {t.data<float>(), t.data<float>() + t.numel()};
  }
  PackedTinyModel tiny_;
  std::filesystem::path out_ = tiny_.dir / "adapter.gguf";
};

TEST_F(GgufLoraTest, IsWhatLlamaCppsConverterWrites) {
  const std::filesystem::path adapter = tiny_.packed / "adapter";
  const GgufLoraReport report =
      export_gguf_lora(tiny_.context, {.model = tiny_.packed, .adapter = adapter, .out = out_});
  EXPECT_EQ(report.modules, 14);
  EXPECT_EQ(report.rank, 4);
  const GgufFile file(out_);
  const GgufMetadata keys(file.values(), "f");
  EXPECT_EQ(keys.text("general.type"), "adapter");
  EXPECT_EQ(keys.text("general.architecture"), "llama");
  EXPECT_EQ(keys.text("adapter.type"), "lora");
  EXPECT_EQ(keys.number("adapter.lora.alpha", 0, 100), 4.0);
  EXPECT_EQ(file.tensors().size(), 28U);
  const PeftAdapterReader reader(adapter);
  const LoraPair& down = *reader.find("model.layers.1.mlp.down_proj");
  EXPECT_EQ(tensor(file, "blk.1.ffn_down.weight.lora_a"), of(down.a));
  EXPECT_EQ(tensor(file, "blk.1.ffn_down.weight.lora_b"), of(down.b));
  // Rows of B are outputs of the matrix, which are turned in q.
  const LoraPair& q = *reader.find("model.layers.0.self_attn.q_proj");
  EXPECT_EQ(tensor(file, "blk.0.attn_q.weight.lora_b", 8), of(q.b));
  EXPECT_NE(tensor(file, "blk.0.attn_q.weight.lora_b"), of(q.b));
  EXPECT_EQ(tensor(file, "blk.0.attn_q.weight.lora_a"), of(q.a));
}

TEST_F(GgufLoraTest, ScalingsThatOneAlphaCannotSayGoIntoB) {
  tiny_.write_tuned(tiny_.dir / "tuned", tiny_.packed_hash());
  nlohmann::json config = read_json(tiny_.dir / "tuned" / "adapter_config.json");
  config["alpha_pattern"] = {{"model.layers.1.mlp.down_proj", 12.0}};
  config["modules_to_save"] = nullptr;
  write_json(tiny_.dir / "tuned" / "adapter_config.json", config);
  expect_error(ErrorCode::kUnsupported, {"holds model.norm.weight whole", "`format` gguf"}, [&] {
    export_gguf_lora(tiny_.context, {.model = tiny_.packed, .adapter = tiny_.dir / "tuned", .out = out_});
  });
  // The same without the norm.
  std::filesystem::create_directories(tiny_.dir / "plain");
  {
    const PeftAdapterReader tuned(tiny_.dir / "tuned");
    std::vector<LoraSpec> specs;
    for (const LoraPair& p : tuned.pairs()) specs.push_back({p.module, p.rank, p.in, p.out, p.alpha});
    PeftWriterOptions options;
    options.base_hash = tiny_.packed_hash();
    PeftAdapterWriter writer(tiny_.dir / "plain", {}, specs, options);
    for (const LoraPair& p : tuned.pairs()) writer.write(p.module, of(p.a).data(), of(p.b).data());
    writer.finish();
  }
  export_gguf_lora(tiny_.context, {.model = tiny_.packed, .adapter = tiny_.dir / "plain", .out = out_});
  const PeftAdapterReader reader(tiny_.dir / "plain");
  const GgufFile file(out_);
  const double alpha = GgufMetadata(file.values(), "f").number("adapter.lora.alpha", 0, 100);
  for (const char* module : {"model.layers.1.mlp.down_proj", "model.layers.0.mlp.down_proj"}) {
    const LoraPair& pair = *reader.find(module);
    const std::string name =
        module[13] == '1' ? "blk.1.ffn_down.weight.lora_b" : "blk.0.ffn_down.weight.lora_b";
    const std::vector<float> have = tensor(file, name);
    const std::vector<float> want = of(pair.b);
    for (std::size_t i = 0; i < have.size(); ++i) {
      ASSERT_NEAR(have[i] * alpha / 3.0, want[i] * pair.scaling, 1e-5) << module;
    }
  }
}

TEST_F(GgufLoraTest, OfAnotherBaseIsRefused) {
  const std::filesystem::path adapter = tiny_.packed / "adapter";
  expect_error(ErrorCode::kMismatch, {tiny_.packed_hash()}, [&] {
    export_gguf_lora(tiny_.context, {.model = tiny_.dense, .adapter = adapter, .out = out_});
  });
}

}  // namespace
}  // namespace lq
