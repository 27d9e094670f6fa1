// Flags of every verb that computes with a model.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "models/model.h"

namespace lq::cli {

struct ModelFlags {
  std::string model, adapter;
  bool no_adapter = false;

  void add_to(CLI::App& verb) {
    verb.add_option(
            "MODEL", model,
            "Model directory: Hugging Face's, dense, or packed by lqlora; or one .safetensors file in it")
        ->required();
    auto* named =
        verb.add_option("--adapter", adapter, "PEFT LoRA adapter (default: MODEL/adapter of a packed model)");
    verb.add_flag("--no-adapter", no_adapter, "The packed matrices alone")->excludes(named);
  }
  Model load(Context& context) const {
    ModelLoadOptions options;
    options.adapter = adapter;
    options.no_adapter = no_adapter;
    return Model::load(context, model, options);
  }
};

}  // namespace lq::cli
