// What `generate` and `chat` do before the first token.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "cli/app.h"
#include "files/folder.h"
#include "jobs/options/generate_options.h"

namespace lq::cli {

// Brings the model to where --device asks text to be made, in the order that this precision reads, and
// returns the context for that. Throws as choose_device (models/placement.h).
Context place_for_text(Session& session, Model& model, DecodePrecision precision, std::string_view who);

// The options for the model of this folder, with the defaults of its generation_config.json. Notes what came
// from there.
GenerateOptions prepare_text(const Session& session, const TextOptions& options, const Folder& model);

nlohmann::ordered_json to_json(const SamplerOptions& options);

}  // namespace lq::cli
