// A recipe of `run`: steps of a chain, each a verb with its options by their names, as commands of the
// program.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "cli/app.h"
#include "files/options/option.h"

namespace lq::cli {

struct RunOptions {
  std::filesystem::path recipe;
  bool dry_run = false;  // the commands are shown, and nothing is done
};
void describe(OptionVisitor& v, RunOptions& o);

// A step that has been parsed as the command line would be: its words, and what is to be done.
struct RecipeCommand {
  std::string verb;
  std::int64_t line = 0;
  std::vector<std::string> words;  // behind `lqlora`, the verb first
  Action action;
};

// Flags that stand above the steps.
struct RecipeFlags {
  std::optional<std::uint64_t> seed;
  std::optional<int> threads;
  std::optional<std::string> device;
};

struct Recipe {
  std::string path;
  RecipeFlags flags;
  std::vector<RecipeCommand> commands;
};

// All steps are parsed before any is done. Throws Error(kInvalidArgument) "PATH:LINE: ..." for what is no
// verb (chat, run and verbs of verbs are none), for a key that is no option of it (the nearest is named), for
// values that the option does not take, and for a file without steps; Error(kCorruptFile) as read_toml_steps.
Recipe read_recipe(const std::filesystem::path& path);

// "lqlora --seed 3 quantize examples/models/quill --nf=3": for a shell.
std::string command_line(const RecipeCommand& command, const RecipeFlags& flags);

}  // namespace lq::cli
