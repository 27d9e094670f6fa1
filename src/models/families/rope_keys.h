// What config.json says about rotary positions, in every place where it stood over the years.
#pragma once

#include <cstdint>

#include "files/json_object.h"
#include "models/model_spec.h"

namespace lq::families {

// rope_parameters (transformers 5), or rope_scaling beside rope_theta (transformers 4; it wins where both are
// there).
RopeConfig read_rope(const JsonObject& config, std::int64_t max_positions, double default_theta);

// One section of the kind that rope_scaling is, null: none. partial_rotary_factor and
// original_max_position_embeddings beside it count too. Throws Error(kUnsupported) for a section that holds
// sections, as Gemma 3's has one for each kind of layer, and for rotations that are not computed.
RopeConfig read_rope_section(const JsonObject& config, const JsonObject* section, std::int64_t max_positions,
                             double theta);

// Throws where the number of angles does not fit what turns of a head.
void check_rope(const JsonObject& config, const RopeConfig& rope, std::int64_t head_dim);

}  // namespace lq::families
