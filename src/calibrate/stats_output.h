// The statistics file as a job's output: whether one is there already, and writing it block by block.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "calibrate/calibration_stats.h"
#include "formats/safetensors_writer.h"
#include "formats/work_store.h"

namespace lq {

// Whether the file says that it holds statistics. Throws Error(kIo) where it cannot be read.
bool is_stats_file(const std::filesystem::path& path);

// The file, where it is there, whole, and the result of the job with this hash, of a model with this config.
// Throws Error(kIo) where it cannot be read.
std::optional<CalibrationStats> finished_stats(const std::filesystem::path& path, const std::string& job_hash,
                                               const std::string& config_hash);

// Every block's statistics, as calibration left them in its store, and the modules that never fired.
struct StatsPieces {
  std::vector<WorkItem> blocks;
  std::vector<std::string> silent;
};

// Nothing where a block's piece is missing or damaged.
std::optional<StatsPieces> open_stats_pieces(const WorkStore& store, std::int64_t layers);

// Throws Error(kIo), a full disk for example; the file then keeps what it had.
void write_stats(const std::filesystem::path& path, const Metadata& metadata, const StatsPieces& pieces);

}  // namespace lq
