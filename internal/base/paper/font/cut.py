"""Cuts the font of printed papers out of Noto Sans SC: python3 cut.py NotoSansSC_400Regular.ttf out.ttf.gz (needs fonttools)."""
import gzip, io, sys
from fontTools import subset
from fontTools.ttLib import TTFont

font = TTFont(sys.argv[1])
want = set(range(0x20, 0x7F)) | set(range(0xA0, 0x180)) | set(range(0x370, 0x460)) | set(range(0x2000, 0x2800)) | set(range(0x3000, 0x3400)) | set(range(0x4E00, 0x9FF0)) | set(range(0xF900, 0xFB00)) | set(range(0xFE30, 0xFE70)) | set(range(0xFF00, 0xFFF0))
o = subset.Options()
o.layout_features, o.hinting, o.notdef_outline, o.glyph_names, o.name_IDs = [], False, True, False, [0, 1, 2, 3, 4, 5, 6, 13, 14]
o.drop_tables += ["GSUB", "GPOS", "GDEF", "vhea", "vmtx", "BASE", "STAT", "meta"]
s = subset.Subsetter(o)
s.populate(unicodes=want & set(font.getBestCmap()))
s.subset(font)
out = io.BytesIO()
font.save(out)
with open(sys.argv[2], "wb") as f:
    f.write(gzip.compress(out.getvalue(), 9, mtime=0))
print(len(out.getvalue()), "bytes,", len(font.getBestCmap()), "characters")
