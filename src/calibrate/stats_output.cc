#include "calibrate/stats_output.h"

#include "base/error.h"
#include "calibrate/calibration_pieces.h"
#include "calibrate/stats_format.h"
#include "formats/safetensors_reader.h"

namespace lq {

bool is_stats_file(const std::filesystem::path& path) {
  try {
    const SafetensorsReader reader(path);
    const auto format = reader.metadata().find("format");
    return format != reader.metadata().end() && format->second == kStatsFormat;
  } catch (const Error& e) {
    if (e.code() == ErrorCode::kIo) throw;
    return false;
  }
}

std::optional<CalibrationStats> finished_stats(const std::filesystem::path& path, const std::string& job_hash,
                                               const std::string& config_hash) {
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return std::nullopt;
  try {
    CalibrationStats stats = CalibrationStats::open(path);
    if (stats.job_hash() == job_hash && stats.has_config(config_hash)) return stats;
  } catch (const Error& e) {
    // Damaged: made again. A file that cannot be read at all is the user's to see.
    if (e.code() == ErrorCode::kIo) throw;
  }
  return std::nullopt;
}

std::optional<StatsPieces> open_stats_pieces(const WorkStore& store, std::int64_t layers) {
  StatsPieces pieces;
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    auto item = store.get(block_piece_name(layer));
    if (!item) return std::nullopt;
    for (const auto& module : item->info.at("silent")) pieces.silent.push_back(module.get<std::string>());
    pieces.blocks.push_back(std::move(*item));
  }
  return pieces;
}

void write_stats(const std::filesystem::path& path, const Metadata& metadata, const StatsPieces& pieces) {
  std::vector<TensorSpec> specs;
  for (const WorkItem& block : pieces.blocks) {
    for (const TensorView& view : block.file.tensors()) specs.push_back(view.spec);
  }
  SafetensorsWriter writer(path, specs, metadata);
  for (const WorkItem& block : pieces.blocks) {
    for (const TensorView& view : block.file.tensors()) {
      writer.append(view.name(), view.data, view.bytes);
      drop(view);
    }
  }
  writer.finish();
}

}  // namespace lq
