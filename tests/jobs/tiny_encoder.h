// A tiny encoder with a tokenizer, and a task that it can learn, for tests.
#pragma once

#include <filesystem>
#include <string>

#include "support/io_test_util.h"
#include "support/paths.h"

namespace lq::tiny {

// A golden encoder (tests/goldens/NAME) beside a vocabulary of words.
inline std::filesystem::path put_encoder(const std::filesystem::path& folder,
                                         const std::string& name = "bert_masked") {
  const auto golden = std::filesystem::path(test::source_dir()) / "tests" / "goldens" / name;
  std::filesystem::create_directories(folder);
  for (const char* file : {"config.json", "model.safetensors"}) {
    std::filesystem::copy_file(golden / file, folder / file);
  }
  std::string vocab = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n";
  for (const char* word : {"good", "bad", "fine", "poor", "the", "a", "film", "book", "was", "is", "very"}) {
    vocab += std::string(word) + "\n";
  }
  io_test::put_file(folder / "vocab.txt", vocab);
  io_test::put_file(folder / "tokenizer_config.json",
                    R"({"tokenizer_class": "BertTokenizer", "do_lower_case": true})");
  return folder;
}

// SST-2's files: good and fine are 1, bad and poor are 0.
inline void put_sst2(const std::filesystem::path& folder) {
  const auto rows = [](int from, int to) {
    std::string text = "sentence\tlabel\n";
    const char* const words[] = {"good", "bad", "fine", "poor"};
    const char* const things[] = {"film", "book"};
    for (int i = from; i < to; ++i) {
      text += std::string(i % 3 == 0 ? "the " : "a ") + things[i % 2] + (i % 5 == 0 ? " is very " : " was ") +
              words[(i / 2) % 4] + "\t" + ((i / 2) % 2 == 0 ? "1" : "0") + "\n";
    }
    return text;
  };
  io_test::put_file(folder / "train.tsv", rows(0, 48));
  io_test::put_file(folder / "dev.tsv", rows(48, 64));
  io_test::put_file(folder / "test.tsv", "index\tsentence\n0\tthe film was good\n1\ta book is very poor\n");
}

}  // namespace lq::tiny
