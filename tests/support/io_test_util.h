// Temporary folders, hand-made safetensors files, children that may die, and expected errors, for the tests
// of io.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <initializer_list>
#include <iterator>
#include <set>
#include <string>
#include <string_view>

#include "base/error.h"
#include "support/paths.h"

namespace lq::io_test {

// A fresh folder, removed with its content at the end.
class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "lq_io_XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = pattern;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

inline void put_file(const std::filesystem::path& path, std::string_view bytes) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream out(path, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!out) throw std::runtime_error("cannot write " + path.string());
}

inline std::string get_file(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path.string());
  return {std::istreambuf_iterator<char>(in), {}};
}

// Names of everything below a folder, relative to it.
inline std::set<std::string> names_below(const std::filesystem::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    names.insert(entry.path().lexically_relative(folder).string());
  }
  return names;
}

// The bytes of a safetensors file with this header text and this many bytes of data (0, 1, 2, ...).
inline std::string safetensors_bytes(std::string_view json, std::size_t data_bytes) {
  std::string out(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) out[i] = static_cast<char>(json.size() >> (8 * i) & 0xffU);
  out += json;
  for (std::size_t i = 0; i < data_bytes; ++i) out += static_cast<char>(i & 0xffU);
  return out;
}

// Runs the body and expects an Error of that code whose one-line message holds every part.
inline void expect_error(ErrorCode code, std::initializer_list<std::string_view> parts,
                         const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& e) {
    const std::string message = e.what();
    EXPECT_EQ(static_cast<int>(e.code()), static_cast<int>(code)) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    for (const std::string_view part : parts) {
      EXPECT_NE(message.find(part), std::string::npos) << "'" << part << "' is not in: " << message;
    }
    return;
  }
  ADD_FAILURE() << "no error was thrown";
}

// Runs the body in a forked child, whose limits, user or mounts it may change; true when it returns true.
inline bool in_child(const std::function<bool()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    bool good = false;
    try {
      good = body();
    } catch (const std::exception& e) {
      std::fprintf(stderr, "child: %s\n", e.what());
    }
    ::_exit(good ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// Like expect_error, for use in a child: true when the body throws that code with those parts.
inline bool throws(ErrorCode code, std::initializer_list<std::string_view> parts,
                   const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& e) {
    const std::string message = e.what();
    bool good = e.code() == code;
    for (const std::string_view part : parts) good = good && message.find(part) != std::string::npos;
    if (!good) std::fprintf(stderr, "child: %s\n", e.what());
    return good;
  }
  std::fprintf(stderr, "child: no error was thrown\n");
  return false;
}

// The project's folder of real data, beside the checkout; empty when it is absent.
inline std::filesystem::path shared_data(std::string_view what) {
  const auto path = std::filesystem::path(lq::test::source_dir()) / ".." / "shared" / "data" / what;
  return std::filesystem::exists(path) ? path : std::filesystem::path();
}

}  // namespace lq::io_test
