// Runs the built program as a user does, through the shell.
#pragma once

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <stdexcept>
#include <string>

#include "support/io_test_util.h"
#include "support/paths.h"

namespace lq::e2e {

struct Outcome {
  int code = -1;       // exit code; 128 + n for signal n
  std::string out;     // stdout
  std::string errors;  // stderr
};

inline std::string program() { return std::string("'") + lq::test::binary_dir() + "/lqlora'"; }
inline std::string quill() { return std::string("'") + lq::test::source_dir() + "/examples/models/quill'"; }

// Runs a shell command line.
inline Outcome shell(const std::string& command) {
  const io_test::TempDir dir;
  const std::string full = "( " + command + " ) 2>'" + (dir / "err").string() + "'";
  FILE* pipe = ::popen(full.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error("cannot run " + command);
  Outcome outcome;
  std::array<char, 4096> buffer{};
  for (std::size_t n = 0; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    outcome.out.append(buffer.data(), n);
  const int status = ::pclose(pipe);
  outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  outcome.errors = io_test::get_file(dir / "err");
  return outcome;
}

// Runs lqlora with these arguments.
inline Outcome lqlora(const std::string& arguments) { return shell(program() + " " + arguments); }

}  // namespace lq::e2e
