#include "formats/saved_names.h"

#include <gtest/gtest.h>

#include "support/io_test_util.h"

namespace lq {
namespace {

using Names = std::vector<std::string>;

TEST(SavedNames, AreWhatTheModelsOwnSavingGives) {
  struct Case {
    const char* what;
    Names saved, want;
  };
  const Case cases[] = {
      {"as they should be",
       {"model.embed_tokens.weight", "model.layers.0.mlp.up_proj.weight", "lm_head.weight"},
       {"model.embed_tokens.weight", "model.layers.0.mlp.up_proj.weight", "lm_head.weight"}},
      {"torch.compile",
       {"_orig_mod.model.embed_tokens.weight", "_orig_mod.lm_head.weight"},
       {"model.embed_tokens.weight", "lm_head.weight"}},
      {"torch.compile of each block",
       {"model.layers.0._orig_mod.mlp.up_proj.weight", "model.norm.weight"},
       {"model.layers.0.mlp.up_proj.weight", "model.norm.weight"}},
      {"DDP", {"module.model.norm.weight", "module.lm_head.weight"}, {"model.norm.weight", "lm_head.weight"}},
      {"DDP of a compiled model", {"module._orig_mod.lm_head.weight"}, {"lm_head.weight"}},
      {"compiled DDP", {"_orig_mod.module.lm_head.weight"}, {"lm_head.weight"}},
      {"FSDP with checkpointing",
       {"_fsdp_wrapped_module.model.layers.1._checkpoint_wrapped_module.input_layernorm.weight"},
       {"model.layers.1.input_layernorm.weight"}},
      {"AutoModel",
       {"embed_tokens.weight", "layers.0.self_attn.q_proj.weight", "norm.weight"},
       {"model.embed_tokens.weight", "model.layers.0.self_attn.q_proj.weight", "model.norm.weight"}},
      {"AutoModel under DDP",
       {"module.embed_tokens.weight", "module.layers.0.mlp.up_proj.weight"},
       {"model.embed_tokens.weight", "model.layers.0.mlp.up_proj.weight"}},
      {"a head beside a body without its name",
       {"embed_tokens.weight", "layers.0.mlp.up_proj.weight", "lm_head.weight"},
       {"model.embed_tokens.weight", "model.layers.0.mlp.up_proj.weight", "lm_head.weight"}},
      // Others' names are not ours to guess at.
      {"BERT",
       {"embeddings.word_embeddings.weight", "encoder.layer.0.output.dense.weight"},
       {"embeddings.word_embeddings.weight", "encoder.layer.0.output.dense.weight"}},
      {"BERT's first layer norms",
       {"bert.embeddings.LayerNorm.gamma", "bert.embeddings.LayerNorm.beta", "x.gamma"},
       {"bert.embeddings.LayerNorm.weight", "bert.embeddings.LayerNorm.bias", "x.gamma"}},
      {"layers without an embedding", {"layers.0.weight", "norm.weight"}, {"layers.0.weight", "norm.weight"}},
      {"only some in a module", {"module.a.weight", "b.weight"}, {"module.a.weight", "b.weight"}},
      {"part of a word", {"my_orig_mod.weight"}, {"my_orig_mod.weight"}},
      {"nothing", {}, {}},
  };
  for (const Case& c : cases) EXPECT_EQ(normalized_names(c.saved, "x"), c.want) << c.what;
}

TEST(SavedNames, TwoThatBecomeOneAreRefused) {
  io_test::expect_error(ErrorCode::kCorruptFile, {"m: a.weight and _orig_mod.a.weight are both a.weight"},
                        [] {
                          normalized_names({"a.weight", "_orig_mod.a.weight"}, "m");
                        });
}

TEST(SavedNames, Blocks) {
  EXPECT_EQ(block_of("model.layers.12.mlp.up_proj.weight"), 12);
  for (const char* name : {"model.layers.x.w", "model.layers.3", "model.layers.-1.w", "layers.3.w",
                           "model.decoder.layers.3.w", "model.layers.99999999999999999999.w", ""}) {
    EXPECT_EQ(block_of(name), std::nullopt) << name;
  }
}

}  // namespace
}  // namespace lq
