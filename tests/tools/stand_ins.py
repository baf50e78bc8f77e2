"""Small stand-ins for public data sets in their official form, in folders named as on the hub."""

import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from ninefold.data.format.columns import EncodedImage


def image(shade: int) -> EncodedImage:
    buffer = io.BytesIO()
    Image.new("RGB", (56, 56), (shade, 0, 99)).save(buffer, "PNG")
    return {"bytes": buffer.getvalue(), "path": f"{shade}.png"}


def write(folder: Path, name: str, split: str, rows: list[dict[str, object]], config: str = "default") -> None:
    """Write a data set with one split, which `datasets` opens by the folder's path."""
    place = folder / name
    (place / "data").mkdir(parents=True, exist_ok=True)
    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    images = {key for key, value in rows[0].items() if isinstance(value, dict)}
    columns = {key: pa.array([row[key] for row in rows], kind if key in images else None) for key in rows[0]}
    features = {key: {"_type": "Image"} if key in images else feature(column.type) for key, column in columns.items()}
    table = pa.table(columns).replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    pq.write_table(table, place / "data" / f"{split}-00000-of-00001.parquet")
    (place / "README.md").write_text(
        f"---\nconfigs:\n- config_name: {config}\n  data_files:\n  - split: {split}\n    path: data/{split}-*\n---\n"
    )


def feature(kind: pa.DataType) -> dict[str, object]:
    """Return a type in the form of the `datasets` library."""
    if pa.types.is_list(kind):
        return {"_type": "List", "feature": feature(kind.value_type)}
    return {"_type": "Value", "dtype": str(kind)}


def mme(folder: Path) -> None:
    """Two questions about each of four images: one of perception and one of cognition in two categories each."""
    rows = [
        {
            "question_id": f"{category}/{at}.png",
            "image": image(10 * at),
            "question": f"Is it {truth.lower()}? Please answer yes or no.",
            "answer": truth,
            "category": category,
        }
        for category in ("position", "existence", "code_reasoning")
        for at in (1, 2)
        for truth in ("Yes", "No")
    ]
    write(folder, "lmms-lab-encoder/MME", "test", rows)


def hallusion(folder: Path) -> None:
    """Two sets of two figures with two questions each."""
    rows = [
        {
            "category": "VD" if at else "VS",
            "subcategory": "figure",
            "visual_input": "1",
            "set_id": str(at),
            "figure_id": str(figure),
            "sample_note": "",
            "question_id": str(question),
            "question": f"Question {question} about figure {figure}?",
            "gt_answer_details": "As it is.",
            "gt_answer": str((figure + question) % 2),
            "filename": "",
            "image": image(20 * figure),
        }
        for at in (0, 1)
        for figure in (1, 2)
        for question in (0, 1)
    ]
    write(folder, "lmms-lab-encoder/HallusionBench", "image", rows)


def mmmu(folder: Path) -> None:
    """Three questions with options, one of them with two images, and one open question."""
    shared = {"explanation": "", "topic_difficulty": "Easy", "subfield": "", "img_type": "['Tables']", "broken": False}
    rows = [
        {
            "id": f"validation_Art_{at}",
            "question": "<image 1> and <image 2>?" if at == 2 else "Which <image 1> is it?",
            "options": "[]" if at == 3 else "['a cat', 'a dog', 'a bird']",
            "answer": "seven" if at == 3 else "B",
            "question_type": "open" if at == 3 else "multiple-choice",
            "image_1": image(30 + at),
            "image_2": image(60 + at),
            **shared,
        }
        for at in range(4)
    ]
    write(folder, "lmms-lab-encoder/MMMU", "validation", rows)


def mmbench(folder: Path) -> None:
    """Two questions, each in two rotations."""
    rows = [
        {
            "index": at + 1_000_000 * turn,
            "question": "Where is it?",
            "hint": "nan",
            "A": "left" if turn == 0 else "right",
            "B": "right" if turn == 0 else "left",
            "C": "above",
            "D": "nan",
            "answer": "A" if turn == 0 else "B",
            "category": "spatial_relationship",
            "source": "made",
            "L2-category": "relation_reasoning",
            "comment": "nan",
            "split": "dev",
            "image": image(80 + at),
        }
        for at in (1, 2)
        for turn in (0, 1)
    ]
    write(folder, "lmms-lab-encoder/MMBench", "dev", rows, config="en")


def textvqa(folder: Path) -> None:
    """Two questions with ten answers of people each."""
    rows = [
        {
            "image_id": str(at),
            "question_id": at,
            "question": "what does it say?",
            "image": image(90 + at),
            "answers": ["stop"] * (10 if at else 2) + ["halt"] * (0 if at else 8),
        }
        for at in (0, 1)
    ]
    write(folder, "lmms-lab-encoder/textvqa", "validation", rows)
