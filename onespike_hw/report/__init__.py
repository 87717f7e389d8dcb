"""What a design is and does, for people: facts of a Design and a golden run, as one page of HTML.

    Design, Run -> figures, network, accelerator, interface (plain data) -> pictures -> page

Only `pictures`, and so `page`, need matplotlib (the extra `report`).
"""
