#include "data/example.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "data/record_reader.h"
#include "support/paths.h"

namespace lq {
namespace {

using Json = nlohmann::ordered_json;

struct Parts {
  std::string text, responses;
};
Parts parts_of(const Json& record, const ExampleFormat& format) {
  DataReport report;
  const Example example = ExampleMaker(format).make(record, "f:1", report);
  Parts out{example.text, ""};
  for (const TextSpan& s : example.trained) {
    out.responses += "[" + example.text.substr(s.begin, s.end - s.begin) + "]";
  }
  return out;
}
std::string error_of(const Json& record, const ExampleFormat& format = {}) {
  try {
    DataReport report;
    ExampleMaker(format).make(record, "f:1", report);
  } catch (const Error& e) {
    return e.what();
  }
  return "";
}

TEST(Example, EveryFormat) {
  const ChatTemplate chatml = ChatTemplate::by_name("chatml", "", "<|im_end|>");
  const ExampleFormat plain{.bos = "<s>", .eos = "</s>"}, chat{.chat = &chatml};

  EXPECT_EQ(parts_of({{"text", "all"}}, plain).responses, "[all]");
  const Parts pair = parts_of({{"prompt", "2+2="}, {"completion", "4"}}, plain);
  EXPECT_EQ(pair.text, "2+2=4");
  EXPECT_EQ(pair.responses, "[4]");

  const Json alpaca = {{"instruction", "Add."}, {"input", "1 2"}, {"output", "3"}};
  EXPECT_EQ(parts_of(alpaca, plain).text,
            "<s>Below is an instruction that describes a task, paired with an input that provides further "
            "context. Write a "
            "response that appropriately completes the request.\n\n### Instruction:\nAdd.\n\n### Input:\n1 "
            "2\n\n### "
            "Response:\n3</s>");
  EXPECT_EQ(parts_of(alpaca, plain).responses, "[3</s>]");
  EXPECT_EQ(parts_of(alpaca, chat).text,
            "<|im_start|>user\nAdd.\n\n1 2<|im_end|>\n<|im_start|>assistant\n3<|im_end|>\n");
  EXPECT_EQ(parts_of({{"instruction", "Hi"}, {"input", ""}, {"output", "Ho"}, {"system", "S"}}, chat).text,
            "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\nHo<|im_"
            "end|>\n");

  const Json messages = Json::array({{{"role", "user"}, {"content", "a"}},
                                     {{"role", "assistant"}, {"content", "b"}},
                                     {{"role", "user"}, {"content", "c"}},
                                     {{"role", "assistant"}, {"content", "d"}}});
  EXPECT_EQ(parts_of({{"messages", messages}}, chat).responses, "[b<|im_end|>][d<|im_end|>]");
  const Json turns = Json::array({{{"from", "human"}, {"value", "a"}},
                                  {{"from", "gpt"}, {"value", "b"}},
                                  {{"from", "human"}, {"value", "c"}},
                                  {{"from", "gpt"}, {"value", "d"}}});
  EXPECT_EQ(parts_of({{"conversations", turns}}, chat).text, parts_of({{"messages", messages}}, chat).text);
  EXPECT_TRUE(
      parts_of({{"conversations", turns}, {"system", "S"}}, chat).text.starts_with("<|im_start|>system\nS"));
}

TEST(Example, ColumnsMayHaveOtherNames) {
  const ExampleFormat format{.fields = {{"prompt", "question"}, {"completion", "answer"}}};
  EXPECT_EQ(parts_of({{"question", "q "}, {"answer", "a"}}, format).responses, "[a]");
  EXPECT_NE(error_of({{"prompt", "q"}, {"completion", "a"}}, format), "");
}

TEST(Example, WhatTheUserNamedGoesFirst) {
  const Json record = {{"body", "t"}, {"messages", Json::array()}, {"conversations", Json::array()}};
  const auto format = [&](std::map<std::string, std::string> fields) {
    return detect_format(record, {.fields = std::move(fields)}, "f:1");
  };
  EXPECT_EQ(format({}), RecordFormat::kMessages);
  EXPECT_EQ(format({{"text", "body"}}), RecordFormat::kText);
  EXPECT_EQ(format({{"text", "absent"}}), RecordFormat::kMessages);
  EXPECT_EQ(format({{"prompt", "body"}}), RecordFormat::kMessages) << "there is no completion";
  const ChatTemplate chatml = ChatTemplate::by_name("chatml", "", "<|im_end|>");
  const auto turns = [](const char* answer) {
    return Json::array({{{"role", "user"}, {"content", "q"}}, {{"role", "assistant"}, {"content", answer}}});
  };
  const ExampleFormat named{.chat = &chatml, .fields = {{"conversations", "talk"}}};
  EXPECT_EQ(parts_of({{"messages", turns("a")}, {"talk", turns("b")}}, named).responses, "[b<|im_end|>]");
}

TEST(Example, AFieldThatIsPassedOverIsCounted) {
  DataReport report;
  ExampleMaker({}).make({{"prompt", "p"}, {"text", "t"}}, "f:1", report);
  EXPECT_EQ(report.lines(),
            std::vector<std::string>{"field 'prompt' is not used (1 record(s)) (first: f:1)"});
}

TEST(Example, ErrorsSayWhatIsWrong) {
  const ChatTemplate llama2 = ChatTemplate::by_name("llama-2", "<s>", "</s>");
  const ExampleFormat chat{.chat = &llama2};
  const auto has = [](const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  has(error_of({{"body", "x"}, {"id", 1}}), "f:1: fields {body, id}, but expected text");
  has(error_of({{"text", 5}}), "f:1: 'text' should be a string");
  has(error_of({{"instruction", "x"}}), "'output' is missing");
  has(error_of({{"messages", "x"}}, chat), "'messages': not valid JSON");
  has(error_of({{"messages", Json::array({{{"role", "user"}}})}}, chat),
      "messages[0]: 'content' should be a string, a list of parts");
  has(error_of({{"messages", Json::array()}}, chat), "without an answer");
  has(error_of({{"messages", Json::array({{{"role", "assistant"}, {"content", "x"}}})}}, chat),
      "roles should be user, assistant");
  has(error_of({{"messages", Json::array({{{"role", "assistant"}, {"content", "x"}}})}}),
      "needs a chat template");
  has(error_of({{"conversations", Json::array({{{"from", "ufo"}, {"value", "x"}}})}}, chat),
      "unknown speaker 'ufo'");
}

TEST(Example, FormatsByTheirFields) {
  const std::pair<Json, RecordFormat> cases[] = {
      {{{"text", "t"}}, RecordFormat::kText},
      {{{"instruction", "i"}, {"output", "o"}, {"text", "rendered"}}, RecordFormat::kInstruction},
      {{{"prompt", "p"}, {"completion", "c"}}, RecordFormat::kPromptCompletion},
      {{{"prompt", "p"}, {"messages", Json::array()}}, RecordFormat::kMessages},
      {{{"conversations", Json::array()}}, RecordFormat::kMessages},
      {{{"messages", nullptr}, {"text", "t"}}, RecordFormat::kText},
  };
  for (const auto& [record, format] : cases) EXPECT_EQ(detect_format(record, {}, "f:1"), format) << record;
}

TEST(Example, MalformedBytesBecomeReplacementCharacters) {
  EXPECT_EQ(parts_of({{"text", "caf\xE9"}}, {}).responses, "[caf\uFFFD]");
  EXPECT_EQ(parts_of({{"prompt", "\xFF "}, {"completion", "a"}}, {}).text, "\uFFFD a");
}

// Every format's real files, where they are.
TEST(Example, RealFiles) {
  const auto data = std::filesystem::path(lq::test::source_dir()) / ".." / "shared" / "data" / "datasets";
  if (!std::filesystem::exists(data)) GTEST_SKIP() << data << " is absent: real data files are not read";
  const auto count = [&](const std::string& path, const ExampleFormat& format) {
    const auto reader = RecordReader::open(data / path, {});
    Json record;
    int examples = 0;
    ExampleMaker maker(format);
    DataReport report;
    while (reader->next(record))
      examples += maker.make(record, reader->place(), report).trained.empty() ? 0 : 1;
    return examples;
  };
  EXPECT_EQ(count("llama_factory/alpaca_en_demo.json", {}), 999);
  EXPECT_EQ(count("guanaco/guanaco-llama2-1k.jsonl", {}), 1000);
  EXPECT_EQ(count("llama_factory/c4_demo.jsonl", {}), 300);
  EXPECT_EQ(count("glue/SST-2/dev.tsv", {.fields = {{"prompt", "sentence"}, {"completion", "label"}}}), 872);
  EXPECT_EQ(count("mmlu/dev/anatomy_dev.csv", {.fields = {{"prompt", "question"}, {"completion", "answer"}}}),
            5);
}

TEST(Example, ListsOfMessagesMayBeTexts) {
  const ChatTemplate chatml = ChatTemplate::by_name("chatml", "", "<|im_end|>");
  const ExampleFormat chat{.chat = &chatml};
  const Json prompt = Json::array({{{"role", "user"}, {"content", "2+2?"}}});
  const Json completion = Json::array({{{"role", "assistant"}, {"content", "4"}}});
  const Parts lists = parts_of({{"prompt", prompt}, {"completion", completion}}, chat);
  EXPECT_EQ(lists.responses, "[4<|im_end|>]");
  const Parts texts = parts_of({{"prompt", prompt.dump()}, {"completion", completion.dump()}}, chat);
  EXPECT_EQ(texts.text, lists.text);
  // Texts of other objects are texts.
  EXPECT_EQ(parts_of({{"prompt", R"([{"a":1}])"}, {"completion", R"([{"b":2}])"}}, chat).text,
            R"([{"a":1}][{"b":2}])");
  EXPECT_EQ(texts.responses, lists.responses);
  EXPECT_EQ(parts_of({{"prompt", "say [1]"}, {"completion", "[1, 2]"}}, chat).responses, "[[1, 2]]")
      << "a list of numbers is a text";
}

TEST(Example, AnEmptyCompletionIsNotLearnt) {
  DataReport report;
  const Example example = ExampleMaker({}).make({{"prompt", "Q"}, {"completion", ""}}, "f:1", report);
  EXPECT_TRUE(example.trained.empty());
  EXPECT_EQ(report.total(Finding::kEmptyTurn), 1);
}

TEST(Example, AnInputWithoutInstructionBeginsTheQuestion) {
  const ChatTemplate chatml = ChatTemplate::by_name("chatml", "", "<|im_end|>");
  const Parts parts = parts_of({{"instruction", ""}, {"input", "1 2"}, {"output", "3"}}, {.chat = &chatml});
  EXPECT_EQ(parts.text, "<|im_start|>user\n1 2<|im_end|>\n<|im_start|>assistant\n3<|im_end|>\n");
}

}  // namespace
}  // namespace lq
