// Moving a set of finished files into a directory so that a kill at any moment leaves either the old state,
// or a record from which the next run completes the move.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace lq {

// Files below `staging`, relative, sorted; config.json and before it lqlora.json come last, so that a
// directory with a config.json is whole. Throws Error(kInvalidArgument) for an unfinished `.NAME.partial`
// among them.
std::vector<std::string> files_to_publish(const std::filesystem::path& staging);

// Syncs files and folders below `directory`.
void sync_tree(const std::filesystem::path& directory);

// Records in work/publish.json that `files` are to move from work/final to `out`, and `obsolete` files of
// `out` are to go.
void record_publish(const std::filesystem::path& work, const std::vector<std::string>& files,
                    const std::vector<std::string>& obsolete);

// Whether a record is there.
bool publish_recorded(const std::filesystem::path& work);

// Does what the record says, from wherever it stopped, and removes `work` at the end. Throws
// Error(kCorruptFile) for a record that names files outside `out`, Error(kIo).
void roll_forward(const std::filesystem::path& out, const std::filesystem::path& work);

// True for a relative path that stays below its directory.
bool is_inner_path(const std::string& path);

}  // namespace lq
