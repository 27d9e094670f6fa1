// Where the names of choices in tables, allocations and on the command line meet the formats that they mean.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "allocate/allocation.h"
#include "allocate/error_table.h"
#include "quant/format_set.h"

namespace lq {

// read_error_table and read_allocation, every name checked: as those of `formats` are. Throw what these
// throw, and Error(kCorruptFile) naming file and place for a choice that no format has.
ErrorTable read_choice_table(const std::filesystem::path& path, const FormatSet& formats);
Allocation read_choice_allocation(const std::filesystem::path& path, const FormatSet& formats);

// Throws Error(kCorruptFile) starting with `who` and naming the first choice that no format has.
void check_choice_names(const ErrorTable& table, const FormatSet& formats, std::string_view who);

// The formats that names come from: those that they name, and "nf" for the ones without (all codebook formats
// have the same parameters).
FormatSet formats_of(const std::vector<std::string>& names);

// What a table calls a choice: its format's name stands before the parameters unless that is nf, so that the
// table says the same to whoever reads it.
std::string table_name(const QuantChoice& choice, const FormatSet& formats);

// The name in a table that the choice a user pins has among `formats`: "3, 8, fp32, 64, 256", "nf3",
// "int-row,4". Throws Error(kInvalidArgument) starting with `who`.
std::string pinned_name(std::string_view text, const FormatSet& formats, std::string_view who);

// "lean", "all", or choices such as 3,8,fp32,64,256 and int-row,4; each once, in the order given. Throws
// Error(kInvalidArgument) naming the choice.
std::vector<QuantChoice> parse_choices(const std::vector<std::string>& texts, const FormatSet& formats);

// For the identity of a job: the names of the choices as they stand in a table.
nlohmann::json choice_to_json(const QuantChoice& choice, const FormatSet& formats);
nlohmann::json choices_to_json(const std::vector<QuantChoice>& choices, const FormatSet& formats);

}  // namespace lq
