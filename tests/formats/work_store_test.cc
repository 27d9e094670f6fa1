#include "formats/work_store.h"

#include <gtest/gtest.h>

#include <cstring>

#include "base/parallel.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::get_file;
using io_test::put_file;
using io_test::TempDir;

Tensor bytes(const std::string& text) {
  Tensor t = Tensor::empty(DType::kU8, {static_cast<std::int64_t>(text.size())});
  std::memcpy(t.mutable_raw(), text.data(), text.size());
  return t;
}

void put(const WorkStore& store, const std::string& name, const std::string& text) {
  const Tensor codes = bytes(text);
  const Tensor scales = Tensor::zeros(DType::kF32, {2, 3});
  const Tensor none = Tensor::empty(DType::kF32, {0});
  store.put(name, {{"codes", &codes}, {"none", &none}, {"scales", &scales}},
            {{"error", 0.1}, {"name", text}});
}

TEST(WorkStore, KeepsPiecesUnderAnyName) {
  const TempDir dir;
  const WorkStore store(dir / "store");
  const std::string names[] = {"model.layers.0.self_attn.q_proj.weight",
                               "a/b",
                               "a_b",
                               "..",
                               "",
                               "\xc3\xa9\n",
                               std::string(1000, 'x'),
                               std::string(1000, 'x') + "y"};
  for (const std::string& name : names) EXPECT_FALSE(store.has(name));
  for (const std::string& name : names) put(store, name, "of " + name.substr(0, 4));
  for (const std::string& name : names) {
    const auto item = store.get(name);
    ASSERT_TRUE(item.has_value()) << name;
    EXPECT_EQ(item->info["error"], 0.1);
    const TensorView& codes = item->file.at("codes");
    EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(codes.data), codes.bytes),
              "of " + name.substr(0, 4));
    EXPECT_EQ(item->file.at("scales").shape(), (Shape{2, 3}));
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir / "store"), {}), std::ssize(names));
  put(store, "a/b", "replaced");
  EXPECT_EQ(store.get("a/b")->info["name"], "replaced");
  store.erase("a/b");
  EXPECT_FALSE(store.has("a/b"));
  EXPECT_TRUE(store.has("a_b"));
}

TEST(WorkStore, AnyDamageIsAbsence) {
  const TempDir dir;
  const WorkStore store(dir / "store");
  put(store, "piece", "some codes");
  const auto file = store.file_of("piece");
  const std::string whole = get_file(file);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    put_file(file, std::string_view(whole).substr(0, size));
    ASSERT_FALSE(store.has("piece")) << size;
  }
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (const char flip : {'\x01', '\x20'}) {
      std::string bad = whole;
      bad[i] = static_cast<char>(bad[i] ^ flip);
      put_file(file, bad);
      // A flip in the padding after the header's JSON may turn a space into nothing else that is JSON:
      // refused too.
      ASSERT_FALSE(store.has("piece")) << "byte " << i;
    }
  }
  put_file(file, whole + "x");
  EXPECT_FALSE(store.has("piece"));
  put_file(file, whole);
  EXPECT_TRUE(store.has("piece"));
  std::filesystem::copy_file(file, store.file_of("other"));
  EXPECT_FALSE(store.has("other"));  // another piece's file
}

TEST(WorkStore, PiecesMayBePutFromSeveralThreads) {
  const TempDir dir;
  const WorkStore store(dir / "store");
  ThreadPool pool(4);
  pool.run(40, [&](std::int64_t i) { put(store, fmt::format("piece {}", i), fmt::format("text {}", i)); });
  for (int i = 0; i < 40; ++i) {
    EXPECT_EQ(store.get(fmt::format("piece {}", i))->info["name"], fmt::format("text {}", i));
  }
}

TEST(WorkStore, SaysWhyItCannotBeMade) {
  const TempDir dir;
  put_file(dir / "file", "");
  io_test::expect_error(ErrorCode::kIo, {"file/store"}, [&] { WorkStore store(dir / "file/store"); });
}

}  // namespace
}  // namespace lq
