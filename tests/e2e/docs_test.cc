// Every command in README.md, in docs/quickstart.md and in each verb's --help is run.
#include <gtest/gtest.h>

#include <sstream>

#include "e2e/run_program.h"
#include "support/paths.h"

namespace lq::e2e {
namespace {

using io_test::TempDir;

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

// The lines that start with build/lqlora inside ```sh blocks.
std::vector<std::string> commands_of(const std::string& page) {
  std::istringstream readme(io_test::get_file(lq::test::source_dir() + "/" + page));
  std::vector<std::string> commands;
  bool inside = false;
  for (std::string line; std::getline(readme, line);) {
    if (line.starts_with("```")) inside = line == "```sh";
    if (inside && line.starts_with("build/lqlora ")) commands.push_back(line);
  }
  return commands;
}

void run_commands_of(const std::string& page) {
  const TempDir dir;
  const auto commands = commands_of(page);
  ASSERT_GE(commands.size(), 4U);
  for (const std::string& command : commands) {
    const std::string line = replaced(replaced(command, "build/lqlora", program()), "examples/",
                                      lq::test::source_dir() + "/examples/");
    const Outcome run = shell("cd '" + dir.path().string() + "' && " + line);
    EXPECT_EQ(run.code, 0) << command << "\n" << run.errors;
  }
}

TEST(DocsE2e, EveryCommandOfTheReadmeWorks) { run_commands_of("README.md"); }

TEST(DocsE2e, EveryCommandOfTheQuickstartWorks) { run_commands_of("docs/quickstart.md"); }

TEST(DocsE2e, EveryExampleOfHelpWorks) {
  const TempDir dir;
  // What the examples name as already there.
  std::filesystem::create_directory_symlink(lq::test::source_dir() + "/examples", dir / "examples");
  ASSERT_EQ(
      lqlora("--quiet quantize " + quill() + " --nf 3 --rank 8 -o " + (dir / "quill-nf3").string()).code, 0);
  io_test::put_file(
      dir / "table.json",
      R"({"configs": [[2,8,"fp32",64,256],[3,8,"fp32",64,256]], "matrices": [{"name": "a", "rows": 64, "cols": 64},
                        {"name": "b", "rows": 64, "cols": 64}], "bits": [[2.127,3.127],[2.127,3.127]], "errors": [[4,1],[3,1]]})");
  for (const char* verb :
       {"quantize", "allocate", "eval", "generate", "chat", "tokenize", "inspect", "export", "compare",
        "version", "calibrate", "sweep", "finetune", "data preview", "run", "report"}) {
    const Outcome help = lqlora(std::string(verb) + " --help");
    EXPECT_EQ(help.code, 0);
    const std::size_t at = help.out.find("Example: ");
    ASSERT_NE(at, std::string::npos) << verb;
    std::string line = help.out.substr(at + 9, help.out.find('\n', at) - at - 9);
    line = replaced(replaced(line, "lqlora ", program() + " "), "examples/",
                    lq::test::source_dir() + "/examples/");
    const Outcome run = shell("cd '" + dir.path().string() + "' && " + line);
    EXPECT_EQ(run.code, 0) << line << "\n" << run.errors;
  }
}

}  // namespace
}  // namespace lq::e2e
