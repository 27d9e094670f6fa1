#include "data/document_reader.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <fstream>

#include "base/error.h"

namespace lq {
namespace {

namespace fs = std::filesystem;

class DocumentReaderTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ =
        fs::path(testing::TempDir()) /
        fmt::format("lq_documents_{}", testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(directory_);
    fs::create_directories(directory_);
  }
  void TearDown() override { fs::remove_all(directory_); }
  fs::path write(const std::string& name, const std::string& bytes) {
    std::ofstream(directory_ / name, std::ios::binary) << bytes;
    return directory_ / name;
  }
  fs::path write_gzip(const std::string& name, const std::string& bytes) {
    const gzFile file = gzopen((directory_ / name).c_str(), "wb");
    gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
    gzclose(file);
    return directory_ / name;
  }
  static std::vector<std::string> texts(const fs::path& path, const DocumentOptions& options = {}) {
    std::vector<std::string> out;
    for (auto& d : read_documents(path, options)) out.push_back(d.text);
    return out;
  }
  static std::string error_of(const fs::path& path) {
    try {
      read_documents(path);
    } catch (const Error& e) {
      return e.what();
    }
    return "";
  }
  fs::path directory_;
};
using Texts = std::vector<std::string>;

TEST_F(DocumentReaderTest, ATextFileIsOneDocumentAsItIs) {
  EXPECT_EQ(texts(write("a.txt", "one\r\ntwo\n\nthree")), Texts{"one\r\ntwo\n\nthree"});
  EXPECT_EQ(texts(write("empty.txt", "")), Texts{""});
  EXPECT_EQ(texts(write("mark.txt", "\xEF\xBB\xBFtext")), Texts{"text"});
  std::string big;
  for (int i = 0; i < 50000; ++i) big += "line " + std::to_string(i) + "\n";
  EXPECT_EQ(texts(write_gzip("big.txt.gz", big)), Texts{big});
}

TEST_F(DocumentReaderTest, EveryRecordIsADocument) {
  const std::string lines =
      "{\"text\": \"a\\nb\", \"id\": 1}\n\n{\"text\": \"\"}\r\n{\"text\": \"\xC3\xA9\"}";
  const Texts expected = {"a\nb", "", "\xC3\xA9"};
  EXPECT_EQ(texts(write("a.jsonl", lines)), expected);
  EXPECT_EQ(texts(write_gzip("a.jsonl.gz", lines)), expected);
  EXPECT_EQ(texts(write("a.json", " [{\"text\": \"a\\nb\"}, {\"text\": \"\"}, {\"text\": \"\xC3\xA9\"}]")),
            expected);
  EXPECT_EQ(texts(write("lines.json", lines)), expected);
  EXPECT_EQ(texts(write("a.csv", "id,text\n1,\"a\nb\"\n2,\n3,\xC3\xA9\n")), expected);
  EXPECT_EQ(texts(write("q.tsv", "text\tlabel\n\"quoted\t1\n")), Texts{"\"quoted"});
}

TEST_F(DocumentReaderTest, AFolderIsItsDataFilesInOrder) {
  write("b.jsonl", "{\"text\": \"2\"}\n{\"text\": \"3\"}\n");
  write("a.txt", "1");
  write("notes.md", "not data");
  fs::create_directories(directory_ / "c");
  write("c/d.txt", "4");
  EXPECT_EQ(texts(directory_), (Texts{"1", "2", "3", "4"}));
}

TEST_F(DocumentReaderTest, ErrorsNameFileAndLine) {
  EXPECT_NE(error_of(directory_ / "absent.txt").find("absent.txt: no such file"), std::string::npos);
  EXPECT_NE(error_of(write("a.jsonl", "{\"text\": \"a\"}\n{\"text\": \n")).find("a.jsonl:2: not valid JSON"),
            std::string::npos);
  EXPECT_NE(error_of(write("b.jsonl", "{\"text\": \"a\"}\n\n{\"body\": 1}"))
                .find("b.jsonl:3: 'text' should be a string"),
            std::string::npos);
  EXPECT_NE(error_of(write("c.csv", "a,text\n1,2\n1,2,3\n")).find("c.csv:3: 3 fields, but 2 columns"),
            std::string::npos);
  EXPECT_NE(error_of(write("d.csv", "text\n\"open\nand open")).find("d.csv:2: a quote is never closed"),
            std::string::npos);
  std::string random;  // does not compress, so that half of the file is really missing
  for (std::uint32_t i = 0, x = 1; i < 100000; ++i)
    random.push_back(static_cast<char>('a' + ((x = x * 1664525 + 1013904223) >> 24) % 26));
  const fs::path zipped = write_gzip("e.txt.gz", random);
  fs::resize_file(zipped, fs::file_size(zipped) / 2);
  EXPECT_NE(error_of(zipped).find("e.txt.gz: damaged or cut off gzip data"), std::string::npos);
  EXPECT_NE(error_of(directory_.parent_path() / "lq_documents_none"), "");
}

TEST_F(DocumentReaderTest, JoinsWithABlankLine) {
  EXPECT_EQ(joined_documents(write("a.jsonl", "{\"text\": \"a\"}\n{\"text\": \"\"}\n{\"text\": \"b\"}")),
            "a\n\n\n\nb");
  EXPECT_EQ(joined_documents(write("b.txt", "one\n")), "one\n");
}

TEST_F(DocumentReaderTest, SkipsAndCountsBadRecordsWhenAsked) {
  std::vector<std::string> told;
  DocumentOptions options;
  options.records.skip_bad = true;
  options.records.on_bad = [&](const std::string& message) { told.push_back(message); };
  DocumentReader reader(write("a.jsonl", "{\"text\": \"a\"}\nnonsense\n[1]\n{\"no\": 1}\n{\"text\": \"b\"}"),
                        options);
  Document document;
  Texts found;
  while (reader.next(document)) found.push_back(document.text);
  EXPECT_EQ(found, (Texts{"a", "b"}));
  EXPECT_EQ(reader.bad(), 3);
  ASSERT_EQ(told.size(), 3u);
  EXPECT_NE(told[0].find("a.jsonl:2"), std::string::npos);
  EXPECT_NE(told[2].find("a.jsonl:4"), std::string::npos);
}

}  // namespace
}  // namespace lq
