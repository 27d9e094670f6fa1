#include "eval/tasks/glue_files.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;
using io_test::put_file;
using io_test::TempDir;

const GlueTask& glue(const char* name) { return find_glue_task(name); }

std::string glue_refusal(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& e) {
    return e.what();
  }
  return "nothing was refused";
}

TEST(GlueFiles, ColaHasNoHeaderAndQuotesAreLetters) {
  const TempDir dir;
  put_file(dir / "CoLA/train.tsv", "gj04\t1\t\tThey \"said so.\nks08\t0\t*\tHim went\" home.\n");
  put_file(dir / "CoLA/test.tsv", "index\tsentence\n0\tBill whistled.\n");
  const GlueTexts train = read_glue_split(glue("cola"), dir.path(), Split::kTrain);
  ASSERT_EQ(train.texts.size(), 2U);
  EXPECT_EQ(train.texts[0].first, "They \"said so.");
  EXPECT_EQ(train.texts[0].label, 1.0F);
  EXPECT_EQ(train.texts[1].first, "Him went\" home.");
  EXPECT_EQ(train.texts[1].label, 0.0F);
  EXPECT_EQ(train.texts[1].index, "1");
  EXPECT_EQ(train.texts[1].second, std::nullopt);
  const GlueTexts test = read_glue_split(glue("cola"), dir.path(), Split::kTest);
  ASSERT_EQ(test.texts.size(), 1U);
  EXPECT_EQ(test.texts[0].first, "Bill whistled.");
  EXPECT_EQ(test.texts[0].label, std::nullopt);
}

TEST(GlueFiles, EveryTasksOfficialColumns) {
  const TempDir dir;
  put_file(dir / "sst/train.tsv", "sentence\tlabel\nbleak and desperate \t0\n");
  put_file(dir / "mrpc/train.tsv",
           "\xEF\xBB\xBFQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\r\n1\t7\t8\tA \" b\tC\r\n");
  put_file(dir / "stsb/dev.tsv",
           "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n"
           "0\tg\tf\t2012\t0000\tn\tn\tA man\tA hat\t4.750\n");
  put_file(dir / "qqp/train.tsv",
           "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n1\t2\t3\tWhy?\tHow?\t1\n9\t2\tWhy\n");
  put_file(dir / "qnli/train.tsv", "index\tquestion\tsentence\tlabel\n4\tQ?\tS.\tnot_entailment\n");
  put_file(dir / "rte/train.tsv", "index\tsentence1\tsentence2\tlabel\n0\tP\tH\tentailment\n");
  put_file(dir / "wnli/train.tsv", "index\tsentence1\tsentence2\tlabel\n0\tP\tH\t1\n");
  const auto one = [&](const char* task, const char* folder, Split split) {
    return read_glue_split(glue(task), dir / folder, split).texts.at(0);
  };
  EXPECT_EQ(one("sst2", "sst", Split::kTrain).first, "bleak and desperate ");
  EXPECT_EQ(one("sst2", "sst", Split::kTrain).label, 0.0F);
  const LabelledText mrpc = one("mrpc", "mrpc", Split::kTrain);
  EXPECT_EQ(mrpc.first, "A \" b");
  EXPECT_EQ(mrpc.second, "C");
  EXPECT_EQ(mrpc.label, 1.0F);
  EXPECT_EQ(one("stsb", "stsb", Split::kValidation).label, 4.75F);
  EXPECT_EQ(one("qnli", "qnli", Split::kTrain).label, 1.0F);
  EXPECT_EQ(one("qnli", "qnli", Split::kTrain).index, "4");
  EXPECT_EQ(one("rte", "rte", Split::kTrain).label, 0.0F);
  EXPECT_EQ(one("wnli", "wnli", Split::kTrain).label, 1.0F);
  const GlueTexts qqp = read_glue_split(glue("qqp"), dir / "qqp", Split::kTrain);
  EXPECT_EQ(qqp.texts.size(), 1U);
  EXPECT_EQ(qqp.short_rows, 1);
  EXPECT_EQ(qqp.first_short, (dir / "qqp/train.tsv").string() + ":3");
}

TEST(GlueFiles, MnliHasTwoHalvesAndADiagnosticSet) {
  const TempDir dir;
  const std::string header = "index\tpromptID\tsentence1\tsentence2\tlabel1\tgold_label\n";
  put_file(dir / "MNLI/train.tsv", header + "0\t1\tP\tH\tneutral\tentailment\n");
  put_file(dir / "MNLI/dev_matched.tsv", header + "0\t1\tP\tH\tneutral\tneutral\n");
  put_file(dir / "MNLI/dev_mismatched.tsv", header + "0\t1\tP\tH\tneutral\tcontradiction\n");
  put_file(dir / "AX/diagnostic.tsv", "index\tsentence1\tsentence2\n0\tP\tH\n");
  const auto label = [&](const char* task, Split split) {
    return read_glue_split(glue(task), dir.path(), split).texts.at(0).label;
  };
  EXPECT_EQ(label("mnli", Split::kTrain), 0.0F);
  EXPECT_EQ(label("mnli", Split::kValidation), 1.0F);
  EXPECT_EQ(label("mnli-mm", Split::kTrain), 0.0F);
  EXPECT_EQ(label("mnli-mm", Split::kValidation), 2.0F);
  EXPECT_EQ(label("ax", Split::kTest), std::nullopt);
  EXPECT_EQ(find_glue_file(glue("mnli"), dir.path(), Split::kTest), std::nullopt);
}

TEST(GlueFiles, JsonRecordsOfTheHub) {
  const TempDir dir;
  put_file(dir / "train.jsonl",
           "{\"question\": \"Q\", \"sentence\": \"S\", \"label\": 1, \"idx\": 5}\n"
           "{\"question\": \"Q\", \"sentence\": \"T\", \"label\": \"entailment\", \"idx\": 6}\n");
  put_file(dir / "test.jsonl", "{\"question\": \"Q\", \"sentence\": \"S\", \"label\": -1, \"idx\": 0}\n");
  const GlueTexts train = read_glue_split(glue("qnli"), dir.path(), Split::kTrain);
  ASSERT_EQ(train.texts.size(), 2U);
  EXPECT_EQ(train.texts[0].label, 1.0F);
  EXPECT_EQ(train.texts[0].index, "5");
  EXPECT_EQ(train.texts[1].label, 0.0F);
  EXPECT_EQ(read_glue_split(glue("qnli"), dir.path(), Split::kTest).texts[0].label, std::nullopt);
  put_file(dir / "s.jsonl", "{\"sentence1\": \"A\", \"sentence2\": \"B\", \"label\": 3.8}\n");
  EXPECT_EQ(read_glue_file(glue("stsb"), dir / "s.jsonl").texts[0].label, 3.8F);
  EXPECT_EQ(read_glue_file(glue("qnli"), dir / "train.jsonl", 1).texts.size(), 1U);
}

// As the benchmark's script lays out the diagnostic set, and the file with labels that its authors publish.
TEST(GlueFiles, TheDiagnosticSetHasAFolderAndColumnsOfItsOwn) {
  const TempDir dir;
  put_file(dir / "diagnostic/diagnostic.tsv", "index\tsentence1\tsentence2\n0\tP\tH\n");
  put_file(dir / "diagnostic/diagnostic-full.tsv",
           "Logic\tDomain\tPremise\tHypothesis\tLabel\n\tnews\tP.\tH.\tcontradiction\n");
  EXPECT_EQ(read_glue_split(glue("ax"), dir.path(), Split::kTest).texts.at(0).first, "P");
  const LabelledText full = read_glue_split(glue("ax"), dir.path(), Split::kValidation).texts.at(0);
  EXPECT_EQ(full.first, "P.");
  EXPECT_EQ(full.second, "H.");
  EXPECT_EQ(full.label, 2.0F);
}

TEST(GlueFiles, OfficialNamesInRecordsAndTheHubsInColumns) {
  const TempDir dir;
  put_file(dir / "s.jsonl", R"({"sentence1": "A", "sentence2": "B", "score": 3.8, "index": 7})");
  const LabelledText record = read_glue_file(glue("stsb"), dir / "s.jsonl").texts.at(0);
  EXPECT_EQ(record.label, 3.8F);
  EXPECT_EQ(record.index, "7");
  put_file(dir / "m.tsv", "premise\thypothesis\tlabel\nP\tH\tneutral\n");
  const LabelledText row = read_glue_file(glue("mnli"), dir / "m.tsv").texts.at(0);
  EXPECT_EQ(row.second, "H");
  EXPECT_EQ(row.label, 1.0F);
}

TEST(GlueFiles, OfTwoFilesForOneSplitNeitherIsTaken) {
  const TempDir dir;
  put_file(dir / "train.tsv", "sentence\tlabel\na\t0\n");
  put_file(dir / "train.jsonl", R"({"sentence": "b", "label": 1})");
  expect_error(ErrorCode::kInvalidArgument, {"train.jsonl and train.tsv both stand for train of sst2"},
               [&] { read_glue_split(glue("sst2"), dir.path(), Split::kTrain); });
}

TEST(GlueFiles, NamesThatGoOn) {
  const TempDir dir;
  put_file(dir / "train_part.tsv", "sentence\tlabel\na\t0\n");
  put_file(dir / "heldout_part.tsv", "sentence\tlabel\nb\t1\n");
  EXPECT_EQ(read_glue_split(glue("sst2"), dir.path(), Split::kTrain).texts[0].first, "a");
  EXPECT_EQ(read_glue_split(glue("sst2"), dir.path(), Split::kValidation).texts[0].first, "b");
}

TEST(GlueFiles, SaysWhatIsWrongAndWhere) {
  const TempDir dir;
  const auto file = [&](const char* name, const char* bytes) {
    put_file(dir / name, bytes);
    return dir / name;
  };
  const auto read = [&](const char* task, const std::filesystem::path& path) {
    return glue_refusal([&] { read_glue_file(glue(task), path); });
  };
  const auto unknown = file("a.tsv", "sentence\tlabel\na\t0\nb\tgood\n");
  EXPECT_EQ(read("sst2", unknown),
            unknown.string() + ":3: column 'label': 'good' is not a label of sst2 (known: 0, 1)");
  const auto missing = file("b.tsv", "text\tlabel\na\t0\n");
  EXPECT_EQ(read("sst2", missing),
            missing.string() + ":1: sst2 needs a column 'sentence' (the header has: text, label)");
  const auto score = file("c.tsv", "sentence1\tsentence2\tscore\na\tb\t5.5\n");
  EXPECT_EQ(read("stsb", score),
            score.string() + ":2: column 'score': '5.5' is not a score of stsb (expected 0 to 5)");
  EXPECT_NE(read("sst2", file("d.tsv", "sentence\tlabel\n")).find("no example of sst2"), std::string::npos);
  EXPECT_NE(glue_refusal([&] {
              read_glue_split(glue("rte"), dir.path(), Split::kTrain);
            }).find("there is no train file of rte (expected train.tsv or .jsonl)"),
            std::string::npos);
  EXPECT_NE(
      read("qnli", file("e.jsonl", "{\"question\": 3, \"sentence\": \"S\"}\n")).find("'question': a text"),
      std::string::npos);
}

TEST(GlueFiles, OneClassTeachesNothing) {
  const TempDir dir;
  put_file(dir / "train.tsv", "sentence\tlabel\na\t0\nb\t0\n");
  put_file(dir / "test.tsv", "index\tsentence\n0\ta\n");
  const GlueTexts same = read_glue_file(glue("sst2"), dir / "train.tsv");
  EXPECT_EQ(
      glue_refusal([&] { check_glue_labels(glue("sst2"), same); }),
      (dir / "train.tsv").string() + ": all 2 examples have the label 0: sst2 cannot be learnt from them");
  const GlueTexts none = read_glue_file(glue("sst2"), dir / "test.tsv");
  EXPECT_NE(
      glue_refusal([&] { check_glue_labels(glue("sst2"), none); }).find("without a label (column 'label')"),
      std::string::npos);
}

// A row that a stray tab has shifted is read by its columns, as pandas and the hub do, but it is counted.
TEST(GlueFiles, OddRowsAreCounted) {
  const TempDir dir;
  put_file(dir / "SST-2/train.tsv", "sentence\tlabel\na\t1\nb\t0\t1\ncaf\xE9\t1\n");
  const GlueTexts texts = read_glue_split(glue("sst2"), dir.path(), Split::kTrain);
  ASSERT_EQ(texts.texts.size(), 3U);
  EXPECT_EQ(texts.long_rows, 1);
  EXPECT_EQ(texts.first_long, (dir / "SST-2/train.tsv").string() + ":3");
  EXPECT_EQ(texts.malformed_rows, 1);
  EXPECT_EQ(texts.first_malformed, (dir / "SST-2/train.tsv").string() + ":4");
  EXPECT_EQ(texts.texts[2].first, "caf\xEF\xBF\xBD");
  put_file(dir / "SST-2/train.tsv", "sentence\tlabel\tlabel\na\t1\t0\n");
  expect_error(ErrorCode::kCorruptFile, {"two columns are named 'label'"},
               [&] { read_glue_split(glue("sst2"), dir.path(), Split::kTrain); });
}

}  // namespace
}  // namespace lq
