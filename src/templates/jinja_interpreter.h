// Runs the syntax tree of a template.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "templates/jinja.h"
#include "templates/jinja_ast.h"
#include "templates/jinja_runtime.h"

namespace lq::jinja {

// Names of a loop's turn, a macro's call, a block; what is not here is looked for in the parent.
struct Scope {
  std::shared_ptr<Scope> parent;
  std::unordered_map<std::string, Value> names;
};
using ScopePtr = std::shared_ptr<Scope>;
inline ScopePtr inside(const ScopePtr& parent) { return std::make_shared<Scope>(Scope{parent, {}}); }

constexpr int kMaxCalls = 60;  // of macros and recursive loops inside each other

class Interpreter final : public Runtime {
 public:
  // variables: a mapping. trace: filled where it is given.
  Interpreter(const std::string& who, const Value& variables, const RenderOptions& options,
              RenderTrace* trace);

  std::string run(const std::vector<Node>& nodes);

  void charge(std::size_t work) override;
  std::string place() const override;
  std::tm now() const override;

  // For macros and recursive loops.
  std::string render_loop(const Node& node, const Value& over, const ScopePtr& scope, std::int64_t depth);
  std::string call_macro(const Node& node, const ScopePtr& scope, const std::string& name,
                         const Arguments& arguments);

 private:
  enum class Flow { kNormal, kBreak, kContinue };

  Flow render(const std::vector<Node>& nodes, const ScopePtr& scope);
  Flow render(const Node& node, const ScopePtr& scope);
  // Renders apart from the text.
  std::string capture(const std::vector<Node>& nodes, const ScopePtr& scope);
  void loop(const Node& node, const Value& over, const ScopePtr& scope, std::int64_t depth);
  void generation(const Node& node, const ScopePtr& scope);
  void assign(const Target& target, const Value& value, const ScopePtr& scope);
  void call_block(const Node& node, const ScopePtr& scope);

  Value evaluate(const Expr& e, const ScopePtr& scope);
  // through: the value of a block that its filters begin with.
  Value filter(const Expr& e, const ScopePtr& scope, const Value* through);
  Value compare(const Expr& e, const ScopePtr& scope);
  Value lookup(const std::string& name, const Scope& scope) const;
  Arguments arguments(const Expr& e, const ScopePtr& scope);

  std::string& out() { return outputs_.back(); }
  void step(int line) {
    line_ = line;
    charge(1);
  }

  const std::string& who_;
  const RenderOptions& options_;
  RenderTrace* trace_;
  std::unordered_map<const void*, std::size_t> traced_;  // where the messages lie -> their index
  std::int64_t message_ = -1;                            // whose turn of a loop this is
  ScopePtr globals_;
  std::vector<std::string> outputs_;  // the text, and what is captured inside it
  std::size_t work_ = 0;
  int line_ = 0;
  int calls_ = 0;  // macros and recursive loops inside each other
};

}  // namespace lq::jinja
