"""A checkpoint behind a server answers and ranks as the same checkpoint here."""

from pathlib import Path
from typing import Any

import pytest
import torch
from chat_server import ChatServer, asked, serving
from tiny import some_examples

from ninefold.models.endpoint.model import Endpoint
from ninefold.models.vlm.model import VisionLanguageModel


class Served(ChatServer):
    """A server with a real model, its own tokenizer and chat template."""

    def __init__(self, model: VisionLanguageModel) -> None:
        """Serve a model."""
        super().__init__(lambda picture, prompt: "")
        self.network = model.model
        self.processor = model.encoder.processor

    def reply(self, body: dict[str, Any]) -> dict[str, Any]:
        """Answer as the model does; the log-probability of each token of a prompt follows from those before it."""
        picture, prompt = asked(body["messages"][0])
        turns = [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": prompt}]}]
        turns += [
            {"role": "assistant", "content": [{"type": "text", "text": turn["content"]}]}
            for turn in body["messages"][1:]
        ]
        how = {name: body.get(name, False) for name in ("add_generation_prompt", "continue_final_message")}
        how["add_generation_prompt"] |= len(turns) == 1
        text = self.processor.apply_chat_template(turns, **how)
        inputs = self.processor(text=[text], images=[[picture]], return_tensors="pt")
        with torch.inference_mode():
            written = self.network.generate(**inputs, max_new_tokens=body["max_tokens"])
            chances = self.network(**inputs).logits[0].log_softmax(-1)
        tokens = inputs["input_ids"][0].tolist()
        told = [
            {str(token): {"logprob": chances[place, token].item(), "decoded_token": self.processor.decode([token])}}
            for place, token in enumerate(tokens[1:])
        ]
        answer = self.processor.decode(written[0, len(tokens) :], skip_special_tokens=True)
        choice = {"message": {"content": answer}, "finish_reason": "length"}
        return {"choices": [choice], "prompt_logprobs": [None, *told] if "prompt_logprobs" in body else None}


def test_a_server_and_its_checkpoint_agree(tiny_llava: Path) -> None:
    model, examples = VisionLanguageModel.load(str(tiny_llava)), some_examples(2)
    with serving(Served(model)) as server:
        endpoint = Endpoint(f"openai:{server.url}", concurrency=1)
        there, here = (each.predict(examples, max_new_tokens=6) for each in (endpoint, model))
        assert [answer.text for answer in there] == [answer.text for answer in here]
        for scores, expected in zip(endpoint.choice_scores(examples), model.choice_scores(examples), strict=True):
            assert scores == pytest.approx(expected, abs=1e-4)
