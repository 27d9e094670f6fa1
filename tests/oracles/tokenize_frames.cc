// Encodes and decodes for compare_tokenizers.py, which needs texts with any bytes in them, line ends too.
//   tokenize_frames TOKENIZER MODE < frames > frames
// A frame is a 32-bit size in bytes and that many bytes. MODE plain, special: text to int32 ids, without and
// with BOS and the like; decode, decode_skip: int32 ids to text; stream: the same through StreamDecoder, id
// by id. time: no frames; measures encoding of the file named next, best of 9, and prints seconds of
// processor time.
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <sstream>

#include "tokenizers/stream_decoder.h"
#include "tokenizers/tokenizer.h"

namespace {

bool read_frame(std::string& bytes) {
  std::uint32_t size = 0;
  if (std::fread(&size, sizeof size, 1, stdin) != 1) return false;
  bytes.resize(size);
  return size == 0 || std::fread(bytes.data(), 1, size, stdin) == size;
}

void write_frame(const void* data, std::size_t bytes) {
  const auto size = static_cast<std::uint32_t>(bytes);
  std::fwrite(&size, sizeof size, 1, stdout);
  std::fwrite(data, 1, bytes, stdout);
}

std::string stream(const lq::Tokenizer& tokenizer, const std::vector<std::int32_t>& ids) {
  lq::tokenizers::StreamDecoder decoder(tokenizer, false);
  std::string text;
  for (const std::int32_t id : ids) text += decoder.push(id);
  return text + decoder.finish();
}

int measure(const lq::Tokenizer& tokenizer, const char* path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  double best = 1e9;
  for (int i = 0; i < 9; ++i) {
    const std::clock_t start = std::clock();  // of the processor, so that other programs do not count
    const auto ids = tokenizer.encode(text.str(), false);
    const double took = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    if (!ids.empty()) best = std::min(best, took);
  }
  std::printf("%.6f\n", best);
  return 0;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 3) return std::fprintf(stderr, "usage: tokenize_frames TOKENIZER MODE [FILE]\n"), 2;
  const auto tokenizer = lq::Tokenizer::load(argv[1]);
  const std::string mode = argv[2];
  if (mode == "time" && argc == 4) return measure(*tokenizer, argv[3]);
  std::string frame;
  while (read_frame(frame)) {
    if (mode == "plain" || mode == "special") {
      const auto ids = tokenizer->encode(frame, mode == "special");
      write_frame(ids.data(), ids.size() * sizeof(std::int32_t));
      continue;
    }
    std::vector<std::int32_t> ids(frame.size() / sizeof(std::int32_t));
    std::memcpy(ids.data(), frame.data(), ids.size() * sizeof(std::int32_t));
    const std::string text =
        mode == "stream" ? stream(*tokenizer, ids) : tokenizer->decode(ids, mode == "decode_skip");
    write_frame(text.data(), text.size());
  }
  return 0;
} catch (const std::exception& e) {
  return std::fprintf(stderr, "%s\n", e.what()), 1;
}
